package mystorepages_test

import (
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
)

// renderings are pages with the documented words, in the markup of other component libraries.
//
//go:embed testdata
var renderings embed.FS

// rendering is a shop's control panel with these pages.
type rendering struct {
	*httptest.Server

	mu         sync.Mutex
	id, secret string
	saves      int
	wrong      []string
}

// render serves a rendering.
func render(t *testing.T) *rendering {
	t.Helper()
	r := &rendering{id: "K123456_0a1b2c3d4e5f", secret: "old"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page/{name}", func(w http.ResponseWriter, q *http.Request) {
		http.ServeFileFS(w, q, renderings, "testdata/"+q.PathValue("name")+".html")
	})
	mux.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]string{"id": r.id})
	})
	mux.HandleFunc("POST /save", func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.id, r.secret = q.FormValue("id"), q.FormValue("secret")
		r.saves++
		if back, ok := map[string]string{"plain": "/plain/credentials?said=1", "nb": "/nb/open?said=1"}[q.FormValue("back")]; ok {
			http.Redirect(w, q, back, http.StatusSeeOther)
		}
	})
	mux.HandleFunc("POST /wrong", func(_ http.ResponseWriter, q *http.Request) { r.addWrong(q.FormValue("what")) })
	r.serveTemplate(t, mux, "/plain/", "plain.html")
	r.serveTemplate(t, mux, "/nb/", "bootstrap-nb.html")
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

// serveTemplate serves a control panel without scripts. Every click loads a page.
func (r *rendering) serveTemplate(t *testing.T, mux *http.ServeMux, path, name string) {
	t.Helper()
	pages, err := template.ParseFS(renderings, "testdata/"+name)
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, q *http.Request) {
		if name := q.FormValue("name"); name != "" && name != "Klarna Checkout V3" || strings.HasSuffix(q.URL.Path, "uninstall") || strings.HasSuffix(q.URL.Path, "logout") {
			r.addWrong(q.URL.String())
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		all := []string{"Bring", "Klarna Checkout V2", "Klarna Checkout V3", "Vipps"}
		query := strings.ToLower(q.FormValue("q"))
		all = slices.DeleteFunc(all, func(name string) bool { return !strings.Contains(strings.ToLower(name), query) })
		data := map[string]any{"At": q.URL.Path, "Query": q.FormValue("q"), "Extensions": all, "ID": r.id, "Said": q.FormValue("said")}
		if err := pages.Execute(w, data); err != nil {
			t.Error(err)
		}
	})
}

func (r *rendering) addWrong(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, what)
}

// On pages in the markup of other component libraries, the client reads a shop and installs a pair without a wrong click.
func TestRenderings_SwitchWithoutWrongClick(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"MUI":                    "/page/mui",
		"Bootstrap in Norwegian": "/nb/",
		"web components, frame":  "/page/components",
		"boxes without roles":    "/page/divs",
		"plain pages":            "/plain/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browsertest.Need(t)
			r := render(t)
			session := browser.Session{Host: r.Listener.Addr().String()}
			client := newClient(t, func(string) string { return r.URL + path }, func(string) (mystorepages.Access, error) {
				return mystorepages.Access{Session: &session}, nil
			}, browser.Options{Timeout: 3 * short})
			if holds, err := client.Credentials(t.Context(), fjellsport); err != nil || holds.KustomID != r.id {
				t.Errorf("the Kustom ID is read as %q (%v), want %q", holds.KustomID, err, r.id)
			}
			const id, secret = "M00412871-aB3dE", "kco_live_api_fakeSecret"
			if holds, err := client.Install(t.Context(), fjellsport, id, secret); err != nil || holds.KustomID != id {
				t.Errorf("Install returns the Kustom ID %q: %v", holds.KustomID, err)
			}
			if r.id != id || r.secret != secret || r.saves != 1 {
				t.Errorf("the shop has the ID %q after %d saves", r.id, r.saves)
			}
			if len(r.wrong) > 0 {
				t.Errorf("the client makes wrong clicks: %v", r.wrong)
			}
		})
	}
}
