package portalpages_test

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// renderings are pages with the documented words, in the markup of other component libraries.
//
//go:embed testdata
var renderings embed.FS

type renderedKey struct {
	ID      string `json:"id"`
	Created string `json:"created"`
	Used    string `json:"used"`

	password string
}

type renderedStore struct {
	ID   string        `json:"id"`
	Name string        `json:"name"`
	Keys []renderedKey `json:"keys"`
}

// rendering is a portal with these pages.
type rendering struct {
	*httptest.Server

	mu     sync.Mutex
	Stores []*renderedStore
	// generated is the number of generated keys. wrong has the wrong clicks.
	generated int
	wrong     []string
}

// other is a store whose list of keys has several pages.
const other = "M00612345"

// render serves a rendering with three stores, which have 2, 1 and 12 keys.
func render(t *testing.T) *rendering {
	t.Helper()
	r := &rendering{Stores: []*renderedStore{{ID: fjellsport, Name: "Fjellsport"}, {ID: kaffebonna, Name: "Kaffebønna"}, {ID: other, Name: "Other & sons"}}}
	at := time.Date(2025, 11, 17, 19, 56, 0, 0, time.UTC)
	for i, store := range r.Stores {
		for n := range []int{2, 1, 12}[i] {
			store.Keys = append(store.Keys, renderedKey{ID: fmt.Sprintf("%s-a%dB3d", store.ID, n), Created: at.Add(time.Duration(n) * time.Hour).Format(time.RFC3339)})
		}
		store.Keys[0].Used = at.AddDate(0, 0, 1).Format(time.RFC3339)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /model.js", func(w http.ResponseWriter, q *http.Request) { http.ServeFileFS(w, q, renderings, "testdata/model.js") })
	mux.HandleFunc("GET /page/{name}", func(w http.ResponseWriter, q *http.Request) {
		http.ServeFileFS(w, q, renderings, "testdata/"+q.PathValue("name")+".html")
	})
	mux.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"stores": r.Stores})
	})
	mux.HandleFunc("POST /data/keys", func(w http.ResponseWriter, q *http.Request) {
		key := r.generate(q.FormValue("store"))
		_ = json.NewEncoder(w).Encode(map[string]string{"id": key.ID, "password": key.password})
	})
	mux.HandleFunc("DELETE /data/keys", func(_ http.ResponseWriter, q *http.Request) { r.remove(q.FormValue("store"), q.FormValue("id")) })
	mux.HandleFunc("POST /wrong", func(_ http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wrong = append(r.wrong, q.FormValue("what"))
	})
	r.servePlain(t, mux)
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

// servePlain serves a portal without scripts. Every click loads a page.
func (r *rendering) servePlain(t *testing.T, mux *http.ServeMux) {
	t.Helper()
	pages, err := template.ParseFS(renderings, "testdata/plain.html")
	if err != nil {
		t.Fatal(err)
	}
	show := func(w http.ResponseWriter, q *http.Request, generated renderedKey) {
		r.mu.Lock()
		defer r.mu.Unlock()
		current := r.store(cmp.Or(q.FormValue("store"), fjellsport))
		const size = 5
		from := 0
		_, _ = fmt.Sscan(q.FormValue("from"), &from)
		to := min(from+size, len(current.Keys))
		shown, next, id := current.Keys[min(from, to):to], 0, q.FormValue("id")
		if to < len(current.Keys) {
			next = to
		}
		err := pages.Execute(w, map[string]any{
			"At": q.URL.Path, "Stores": r.Stores, "Store": current, "Keys": shown, "Next": next, "ID": id, "New": generated, "Password": generated.password, "Said": q.FormValue("said"),
		})
		if err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /plain/", func(w http.ResponseWriter, q *http.Request) { show(w, q, renderedKey{}) })
	mux.HandleFunc("POST /plain/generate", func(w http.ResponseWriter, q *http.Request) { show(w, q, r.generate(q.FormValue("store"))) })
	mux.HandleFunc("POST /plain/delete", func(w http.ResponseWriter, q *http.Request) {
		r.remove(q.FormValue("store"), q.FormValue("id"))
		http.Redirect(w, q, "/plain/api?said=deleted&store="+q.FormValue("store"), http.StatusSeeOther)
	})
}

func (r *rendering) store(id string) *renderedStore {
	return r.Stores[slices.IndexFunc(r.Stores, func(s *renderedStore) bool { return s.ID == id })]
}

func (r *rendering) generate(store string) renderedKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.generated++
	key := renderedKey{ID: fmt.Sprintf("%s-n%dW9z", store, r.generated), Created: time.Now().UTC().Format(time.RFC3339), password: fmt.Sprintf("kco_live_api_fake%dSecret0123456789", r.generated)}
	s := r.store(store)
	s.Keys = append(s.Keys, key)
	return key
}

func (r *rendering) remove(store, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.store(store)
	s.Keys = slices.DeleteFunc(s.Keys, func(k renderedKey) bool { return k.ID == id })
}

func (r *rendering) ids(store string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, key := range r.store(store).Keys {
		all = append(all, key.ID)
	}
	return all
}

// On pages in the markup of other component libraries, the client does every step of a switch without a wrong click.
func TestRenderings_SwitchWithoutWrongClick(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"MUI with a data grid":   "/page/mui",
		"MUI with a table":       "/page/mui?list=table",
		"Bootstrap in Norwegian": "/page/bootstrap-nb",
		"web components, frame":  "/page/components",
		"boxes without roles":    "/page/divs",
		"plain pages":            "/plain/",
	} {
		for store, keys := range map[string]string{kaffebonna: "one key", other: "pages of keys"} {
			t.Run(name+", "+keys, func(t *testing.T) {
				t.Parallel()
				browsertest.Need(t)
				r := render(t)
				p := newPortal(t, r.URL+path, browser.Session{}, browser.Options{Timeout: 3 * short}, nil)
				if store == other {
					r.wantStores(t, p)
					r.wantKeys(t, p, store)
				}
				r.replaceKey(t, p, store)
				if len(r.wrong) > 0 {
					t.Errorf("the client makes wrong clicks: %v", r.wrong)
				}
			})
		}
	}
}

func (r *rendering) wantStores(t *testing.T, p *portalpages.Portal) {
	t.Helper()
	var stores []string
	for store, err := range p.Stores(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, store.MerchantID+" "+store.Name)
	}
	if want := []string{fjellsport + " Fjellsport", kaffebonna + " Kaffebønna", other + " Other & sons"}; !slices.Equal(stores, want) {
		t.Errorf("the stores are %q, want %q", stores, want)
	}
}

func (r *rendering) wantKeys(t *testing.T, p *portalpages.Portal, store string) {
	t.Helper()
	var keys []string
	for key, err := range p.Keys(t.Context(), store) {
		if err != nil {
			t.Fatal(err)
		}
		if key.CreatedAt.Format(time.DateOnly) < "2025-11-17" || (key.LastUsedAt != nil) != (len(keys) == 0) {
			t.Errorf("key %s is created at %v, used at %v", key.Username, key.CreatedAt, key.LastUsedAt)
		}
		keys = append(keys, key.Username)
	}
	if want := r.ids(store); !slices.Equal(keys, want) {
		t.Errorf("the keys are %q, want %q", keys, want)
	}
}

// replaceKey generates a key of a store, and deletes an old one.
func (r *rendering) replaceKey(t *testing.T, p *portalpages.Portal, store string) {
	t.Helper()
	before := r.ids(store)
	key, err := p.Generate(context.WithoutCancel(t.Context()), kustom.Request{MerchantID: store})
	if err != nil {
		t.Fatal(err)
	}
	all := r.ids(store)
	if len(all) != len(before)+1 || key.Username != all[len(all)-1] || key.Secret.Reveal() != r.store(store).Keys[len(before)].password {
		t.Fatalf("the new key is %s; the store has %v", key.Username, all)
	}
	old := before[len(before)-1]
	if err := p.DeleteOrphan(t.Context(), kustom.Orphan{MerchantID: store, CredentialID: old}); err != nil {
		t.Fatal(err)
	}
	if got, want := r.ids(store), append(slices.Clone(before[:len(before)-1]), key.Username); !slices.Equal(got, want) {
		t.Errorf("the keys are %v, want %v", got, want)
	}
	var none *kustom.NoKeyError
	if _, err := p.Key(t.Context(), store, old); !errors.As(err, &none) {
		t.Errorf("reading the deleted key returns %v", err)
	}
}
