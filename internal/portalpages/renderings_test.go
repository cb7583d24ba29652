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
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// renderings are the documented words as other component libraries would draw them.
//
//go:embed testdata
var renderings embed.FS

// renderedKey is a key of a rendering.
type renderedKey struct {
	ID      string `json:"id"`
	Created string `json:"created"`
	Used    string `json:"used"`

	password string
}

// renderedStore is a store of a rendering.
type renderedStore struct {
	ID   string        `json:"id"`
	Name string        `json:"name"`
	Keys []renderedKey `json:"keys"`
}

// rendering is a portal that is drawn in another way than the sandbox's.
type rendering struct {
	*httptest.Server

	mu     sync.Mutex
	Stores []*renderedStore
	made   int
	wrong  []string
}

// other is a store with more keys than fit on a page.
const other = "M00612345"

// render serves a rendering, with a store of two keys and one of twelve.
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
		key := r.make(q.FormValue("store"))
		_ = json.NewEncoder(w).Encode(map[string]string{"id": key.ID, "password": key.password})
	})
	mux.HandleFunc("DELETE /data/keys", func(_ http.ResponseWriter, q *http.Request) { r.remove(q.FormValue("store"), q.FormValue("id")) })
	mux.HandleFunc("POST /wrong", func(_ http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wrong = append(r.wrong, q.FormValue("what"))
	})
	r.plain(t, mux)
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

// plain is a portal whose every click loads a page.
func (r *rendering) plain(t *testing.T, mux *http.ServeMux) {
	t.Helper()
	pages, err := template.ParseFS(renderings, "testdata/plain.html")
	if err != nil {
		t.Fatal(err)
	}
	show := func(w http.ResponseWriter, q *http.Request, made renderedKey) {
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
			"At": q.URL.Path, "Stores": r.Stores, "Store": current, "Keys": shown, "Next": next, "ID": id, "New": made, "Password": made.password, "Said": q.FormValue("said"),
		})
		if err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /plain/", func(w http.ResponseWriter, q *http.Request) { show(w, q, renderedKey{}) })
	mux.HandleFunc("POST /plain/generate", func(w http.ResponseWriter, q *http.Request) { show(w, q, r.make(q.FormValue("store"))) })
	mux.HandleFunc("POST /plain/delete", func(w http.ResponseWriter, q *http.Request) {
		r.remove(q.FormValue("store"), q.FormValue("id"))
		http.Redirect(w, q, "/plain/api?said=deleted&store="+q.FormValue("store"), http.StatusSeeOther)
	})
}

func (r *rendering) store(id string) *renderedStore {
	return r.Stores[slices.IndexFunc(r.Stores, func(s *renderedStore) bool { return s.ID == id })]
}

func (r *rendering) make(store string) renderedKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made++
	key := renderedKey{ID: fmt.Sprintf("%s-n%dW9z", store, r.made), Created: time.Now().UTC().Format(time.RFC3339), password: fmt.Sprintf("kco_live_api_fake%dSecret0123456789", r.made)}
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

// ids are the Key IDs of a store.
func (r *rendering) ids(store string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, key := range r.store(store).Keys {
		all = append(all, key.ID)
	}
	return all
}

// portal is the client, at a page of the rendering.
func (r *rendering) portal(t *testing.T, path string) *portalpages.Portal {
	t.Helper()
	return r.portalWithin(t, path, 3*short)
}

// portalWithin is portal with a timeout of its own for each step.
func (r *rendering) portalWithin(t *testing.T, path string, timeout time.Duration) *portalpages.Portal {
	t.Helper()
	address, err := url.Parse(r.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return portalpages.New(portalpages.Options{
		Browser: browser.New(shared.Group(t), browser.Options{Timeout: timeout}), URL: address, Clock: clock.System{},
		Session: func() (browser.Session, error) { return browser.Session{Host: address.Host}, nil },
	})
}

// TestRenderings_SwitchWithoutWrongClick: on pages that nobody wrote for this client, all steps of a switch are done, without
// one wrong click.
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browsertest.Need(t)
			r := render(t)
			p := r.portal(t, path)
			r.lists(t, p)
			for _, store := range []string{kaffebonna, other} {
				r.replaces(t, p, store)
			}
			if len(r.wrong) > 0 {
				t.Errorf("wrong clicks: %v", r.wrong)
			}
		})
	}
}

// lists expects the client to see all stores, and all keys of one.
func (r *rendering) lists(t *testing.T, p *portalpages.Portal) {
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
	var keys []string
	for key, err := range p.Keys(t.Context(), other) {
		if err != nil {
			t.Fatal(err)
		}
		if key.CreatedAt.Format(time.DateOnly) < "2025-11-17" || (key.LastUsedAt != nil) != (len(keys) == 0) {
			t.Errorf("key %s is of %v, used %v", key.Username, key.CreatedAt, key.LastUsedAt)
		}
		keys = append(keys, key.Username)
	}
	if want := r.ids(other); !slices.Equal(keys, want) {
		t.Errorf("the keys are %q, want %q", keys, want)
	}
}

// replaces expects the client to make one key, and to delete one.
func (r *rendering) replaces(t *testing.T, p *portalpages.Portal, store string) {
	t.Helper()
	before := r.ids(store)
	key, err := p.Generate(context.WithoutCancel(t.Context()), kustom.Request{MerchantID: store})
	if err != nil {
		t.Fatal(err)
	}
	all := r.ids(store)
	if len(all) != len(before)+1 || key.Username != all[len(all)-1] || key.Secret.Reveal() != r.store(store).Keys[len(before)].password {
		t.Fatalf("the key is %s; the store has %v", key.Username, all)
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
		t.Errorf("the deleted key is: %v", err)
	}
}
