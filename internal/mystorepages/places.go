package mystorepages

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// Places remembers, from run to run on this machine, at which address the credentials of each shop were found: a plan
// and its apply are two processes, and need not both look for them by the menu. It holds no secret. What it has is only
// where a look begins; what is there is proven as anywhere else. It is safe for concurrent use, by several processes too.
type Places struct {
	// Dir is the folder with a file for each shop; empty where nothing is remembered.
	Dir string
}

// of returns where the credentials of a shop were found on its present site; nil where that is not known.
func (p Places) of(shop string, site *url.URL) *url.URL {
	if p.Dir == "" {
		return nil
	}
	content, err := os.ReadFile(p.file(shop))
	if err != nil {
		return nil
	}
	at, err := url.Parse(string(content))
	if err != nil || !isPlace(at, site) {
		return nil
	}
	return at
}

// keep remembers where the credentials of a shop were found. What can't be remembered is looked for again.
func (p Places) keep(shop string, at, site *url.URL) {
	if p.Dir == "" || !isPlace(at, site) {
		return
	}
	if known := p.of(shop, site); known != nil && *known == *at {
		return
	}
	if os.MkdirAll(p.Dir, 0o700) == nil {
		_ = wholefile.Write(p.file(shop), ".new-*", []byte(at.String()))
	}
}

// forget forgets where the credentials of a shop were found.
func (p Places) forget(shop string) {
	if p.Dir != "" {
		_ = os.Remove(p.file(shop))
	}
}

func (p Places) file(shop string) string { return filepath.Join(p.Dir, url.PathEscape(shop)) }

// isPlace tells whether an address is a page of the site's own that is known by its path alone: a query may be of one
// visit only, or hold what nobody else is to know.
func isPlace(at, site *url.URL) bool {
	return at.Scheme == site.Scheme && at.Host == site.Host && at.User == nil && at.RawQuery == "" && at.Fragment == "" &&
		strings.HasPrefix(at.Path, site.Path)
}
