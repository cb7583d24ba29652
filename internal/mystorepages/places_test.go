package mystorepages_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// loads is how many documents of the shops were loaded since the last call.
func (b *bench) loads() int {
	n := 0
	for _, r := range b.Requests() {
		if r.API == sandbox.MystorePages && r.Method == http.MethodGet && !strings.HasPrefix(r.Template, "/data/") {
			n++
		}
	}
	b.ResetRequests()
	return n
}

// TestPlaces_ShortenNextRun: a run begins where an earlier one has found the credentials. Where they are not there any
// more, it goes the whole way.
func TestPlaces_ShortenNextRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// moved is what the file of the earlier run has in place of the address, with {own} for where the panel begins;
		// empty leaves it.
		moved string
		loads int
	}{
		"where it was":   {loads: 1},
		"moved":          {moved: "{own}/moved", loads: 4},
		"another site's": {moved: "https://www.example.com/kontrollpanel/extensions", loads: 3},
		"with a query":   {moved: "{own}/extensions?once=1", loads: 3},
		"no address":     {moved: "://", loads: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: 3 * short})
			b.Places = mystorepages.Places{Dir: filepath.Join(t.TempDir(), "places")}
			places := b.Places
			b.reads(t, 3)
			b.signIn(t)
			b.Places = places
			if test.moved != "" {
				text := strings.ReplaceAll(test.moved, "{own}", b.server.MystoreAdminURL(kaffebonna))
				if err := os.WriteFile(filepath.Join(places.Dir, kaffebonna), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b.reads(t, test.loads)
			b.signIn(t)
			b.Places = places
			b.reads(t, 1)
			b.kept(t)
		})
	}
}

// reads expects a read of a shop to take so many loads.
func (b *bench) reads(t *testing.T, loads int) {
	t.Helper()
	holds, err := b.Credentials(t.Context(), kaffebonna)
	if err != nil || holds.KustomID != b.shop(t, kaffebonna).KustomID {
		t.Fatalf("the shop holds %+v, error %v", holds, err)
	}
	if n := b.loads(); n != loads {
		t.Errorf("it takes %d loads, want %d", n, loads)
	}
}

// TestCredentials_TakeOneWait: the wait that finds a shop's credentials also reads them.
func TestCredentials_TakeOneWait(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.reads(t, 3)
	b.waits.Store(0)
	b.reads(t, 1)
	if n := b.waits.Load(); n != 1 {
		t.Errorf("a read takes %d waits, want 1", n)
	}
}
