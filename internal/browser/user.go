package browser

import (
	"regexp"
	"strings"
)

var addressForm = regexp.MustCompile(`[^\s<>(),;:"“”]+@[^\s<>(),;:"“”]+\.\pL+`)

// User returns the signed-in user's e-mail address, if the page shows it: an address on or in a clickable
// element, such as the user's menu, or else the only one on the page. It is empty if there is none.
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
