package mystorepages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
)

// A run begins on the page where an earlier run has found the credentials. If they are no longer there, it begins at the
// start page.
func TestPlaces_ShortenNextRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// moved replaces the address in the file of the earlier run, if it is not empty. {own} is the panel's address.
		moved string
		loads int
	}{
		"unchanged":      {loads: 1},
		"moved":          {moved: "{own}/moved", loads: 4},
		"another site's": {moved: "https://www.example.com/kontrollpanel/extensions", loads: 3},
		"with a query":   {moved: "{own}/extensions?once=1", loads: 3},
		"no address":     {moved: "://", loads: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{timeout: 3 * short})
			e.Places = mystorepages.Places{Dir: filepath.Join(t.TempDir(), "places")}
			places := e.Places
			e.wantRead(t, 3)
			e.newClient(t)
			e.Places = places
			if test.moved != "" {
				text := strings.ReplaceAll(test.moved, "{own}", e.Server.MystoreAdminURL(kaffebonna))
				if err := os.WriteFile(filepath.Join(places.Dir, kaffebonna), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			e.wantRead(t, test.loads)
			e.newClient(t)
			e.Places = places
			e.wantRead(t, 1)
			e.WantNoViolations(t)
		})
	}
}

// wantRead reads a shop, which must take this number of loads.
func (e *env) wantRead(t *testing.T, loads int) {
	t.Helper()
	holds, err := e.Credentials(t.Context(), kaffebonna)
	if err != nil || holds.KustomID != e.shop(t, kaffebonna).KustomID {
		t.Fatalf("the credentials are read as %+v, error %v", holds, err)
	}
	if n := e.Loads(); n != loads {
		t.Errorf("a read takes %d loads, want %d", n, loads)
	}
}
