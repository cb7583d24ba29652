package browser

import (
	"regexp"
	"strings"
)

var addressForm = regexp.MustCompile(`[^\s<>(),;:"“”]+@[^\s<>(),;:"“”]+\.\pL+`)

// User returns the e-mail address of who is signed in, as far as the page shows one: an address on or in something
// that can be clicked, such as the user's menu, or else the only one on the page. It is empty where none is shown.
func (p *Page) User() string {
	for _, e := range p.Actions() {
		for _, text := range []string{e.Name, e.Title, e.Text()} {
			if found := addressForm.FindString(text); found != "" {
				return found
			}
		}
	}
	all := addressForm.FindAllString(strings.Join(p.Lines(), "\n"), -1)
	if len(all) != 1 {
		return ""
	}
	return all[0]
}
