package portalpages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// apiPage is an API page of the store Kaffebønna with parts of a test's own.
func apiPage(buttons, rows, foot string) string {
	return `<!doctype html><meta charset="utf-8"><title>Kustom</title><link rel="icon" href="data:,"><h1>API</h1>
		<label>Stores <select><option selected>Kaffebønna – ` + kaffebonna + `</option></select></label>` + buttons + `
		<table><thead><tr><th>Key ID</th><th>Creation date</th><th>Last used</th><th>Expiration date</th><th></th></tr></thead><tbody>` + rows + `</tbody></table>` + foot
}

const (
	generateButton = `<button onclick="fetch('/made', { method: 'POST' })">Generate new</button>`
	keyRow         = `<tr><td>` + kaffebonna + `-aB3dE</td><td>17 Nov 2025 19:56</td><td>–</td><td>–</td><td><button>…</button></td></tr>`
)

// TestGenerate_StopsBeforeTheClick: a page on which anything is not as it has to be is named, and no key is made.
func TestGenerate_StopsBeforeTheClick(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ page, says string }{
		"Next and no row":         {apiPage(generateButton, "", `<button>Next</button>`), "no row"},
		"fewer rows than counted": {apiPage(`<p>3 results</p>`+generateButton, keyRow, ""), "3"},
		"no row of one":           {apiPage(`<p>1 result</p>`+generateButton, "", ""), "1 keys"},
		"rows still to come":      {apiPage(generateButton, keyRow+`<tr><td><div class="skeleton" style="width: 90px; height: 20px"></div></td></tr>`, ""), "loading"},
		"a key of another store":  {apiPage(generateButton, keyRow+strings.ReplaceAll(keyRow, kaffebonna, fjellsport), ""), "another store"},
		"an ID of another form":   {apiPage(generateButton, keyRow+`<tr><td>K_?</td><td>17 Nov 2025</td><td>–</td><td>–</td><td></td></tr>`, ""), "known form"},
		"no date":                 {apiPage(generateButton, strings.ReplaceAll(keyRow, "17 Nov 2025 19:56", "last week"), ""), "last week"},
		"two of the button":       {apiPage(generateButton+generateButton, keyRow, ""), "more than one"},
		"a disabled button":       {apiPage(strings.ReplaceAll(generateButton, "<button", "<button disabled"), keyRow, ""), "disabled"},
		"another button":          {apiPage(strings.ReplaceAll(generateButton, "Generate new", "Generate new report"), keyRow, ""), "Generate new report"},
		"a dialog about it":       {apiPage(generateButton, keyRow, `<div role="dialog" style="position: fixed; inset: 200px">The API is down<button>OK</button></div>`), "dialog"},
		"other words":             {`<!doctype html><title>Kustom</title><h1>Nøglene</h1><button onclick="fetch('/made', { method: 'POST' })">Lav en ny</button>`, "Lav en ny"},
		"no stores":               {strings.ReplaceAll(apiPage(generateButton, "", ""), `<option selected>Kaffebønna – `+kaffebonna+`</option>`, ""), "list of stores"},
		"an empty page":           {`<!doctype html><title>Kustom</title><p>Hello</p>`, "Generate new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browsertest.Need(t)
			var made atomic.Int32
			mux := http.NewServeMux()
			mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, test.page) })
			mux.HandleFunc("POST /made", func(http.ResponseWriter, *http.Request) { made.Add(1) })
			r := &rendering{Server: httptest.NewServer(mux)}
			t.Cleanup(r.Close)
			p := r.portalWithin(t, "/", short)
			_, err := p.Generate(t.Context(), kustom.Request{MerchantID: kaffebonna})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error does not say %q: %v", test.says, err)
			}
			if made.Load() > 0 {
				t.Error("a key was made")
			}
		})
	}
}
