package mystorepages

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// Places remembers, on this machine, at which address earlier runs found the credentials of each shop. A plan
// and its apply are two processes; the second need not search again. It holds no secret. An address is only
// where a search begins: the page there is checked like any other. It is safe for concurrent use, by several
// processes too.
type Places struct {
	// Dir is the folder with a file for each shop; empty remembers nothing.
	Dir string
}

// of returns where the credentials of a shop were found on its present site; nil if unknown.
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

// save records where the credentials of a shop were found. If it can't, a later run searches again.
func (p Places) save(shop string, at, site *url.URL) {
	if p.Dir == "" || !isPlace(at, site) {
		return
	}
	if known := p.of(shop, site); known != nil && *known == *at {
		return
	}
	wholefile.Keep(p.file(shop), []byte(at.String()))
}

// forget forgets where the credentials of a shop were found.
func (p Places) forget(shop string) {
	if p.Dir != "" {
		_ = os.Remove(p.file(shop))
	}
}

func (p Places) file(shop string) string { return filepath.Join(p.Dir, url.PathEscape(shop)) }

// isPlace reports whether an address is a page of the site that its path alone identifies. A query may belong
// to one visit, or be confidential.
func isPlace(at, site *url.URL) bool {
	return at.Scheme == site.Scheme && at.Host == site.Host && at.User == nil && at.RawQuery == "" && at.Fragment == "" &&
		strings.HasPrefix(at.Path, site.Path)
}
