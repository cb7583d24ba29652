package portalpages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// apiPage returns an API page of the store Kaffebønna.
func apiPage(buttons, rows, foot string) string {
	return `<!doctype html><meta charset="utf-8"><title>Kustom</title><link rel="icon" href="data:,"><h1>API</h1>
		<label>Stores <select><option selected>Kaffebønna – ` + kaffebonna + `</option></select></label>` + buttons + `
		<table><thead><tr><th>Key ID</th><th>Creation date</th><th>Last used</th><th>Expiration date</th><th></th></tr></thead><tbody>` + rows + `</tbody></table>` + foot
}

const (
	generateButton = `<button onclick="fetch('/generate', { method: 'POST' })">Generate new</button>`
	keyRow         = `<tr><td>` + kaffebonna + `-aB3dE</td><td>17 Nov 2025 19:56</td><td>–</td><td>–</td><td><button>…</button></td></tr>`
)

// The error says what is unexpected on the page.
func TestGenerate_StopsBeforeClickOnUnexpectedPage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ page, want string }{
		"Next and no row":        {apiPage(generateButton, "", `<button>Next</button>`), "no row"},
		"fewer rows than count":  {apiPage(`<p>3 results</p>`+generateButton, keyRow, ""), "3"},
		"no row, count is one":   {apiPage(`<p>1 result</p>`+generateButton, "", ""), "1 keys"},
		"rows are loading":       {apiPage(generateButton, keyRow+`<tr><td><div class="skeleton" style="width: 90px; height: 20px"></div></td></tr>`, ""), "loading"},
		"a key of another store": {apiPage(generateButton, keyRow+strings.ReplaceAll(keyRow, kaffebonna, fjellsport), ""), "another store"},
		"an unknown form of ID":  {apiPage(generateButton, keyRow+`<tr><td>K_?</td><td>17 Nov 2025</td><td>–</td><td>–</td><td></td></tr>`, ""), "known form"},
		"no date":                {apiPage(generateButton, strings.ReplaceAll(keyRow, "17 Nov 2025 19:56", "last week"), ""), "last week"},
		"two buttons":            {apiPage(generateButton+generateButton, keyRow, ""), "more than one"},
		"a disabled button":      {apiPage(strings.ReplaceAll(generateButton, "<button", "<button disabled"), keyRow, ""), "disabled"},
		"another button":         {apiPage(strings.ReplaceAll(generateButton, "Generate new", "Generate new report"), keyRow, ""), "Generate new report"},
		"an open dialog":         {apiPage(generateButton, keyRow, `<div role="dialog" style="position: fixed; inset: 200px">The API is down<button>OK</button></div>`), "dialog"},
		"other words":            {`<!doctype html><title>Kustom</title><h1>Nøglene</h1><button onclick="fetch('/generate', { method: 'POST' })">Lav en ny</button>`, "Lav en ny"},
		"no stores":              {strings.ReplaceAll(apiPage(generateButton, "", ""), `<option selected>Kaffebønna – `+kaffebonna+`</option>`, ""), "list of stores"},
		"an empty page":          {`<!doctype html><title>Kustom</title><p>Hello</p>`, "Generate new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browsertest.Need(t)
			var generated atomic.Int32
			mux := http.NewServeMux()
			mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, test.page) })
			mux.HandleFunc("POST /generate", func(http.ResponseWriter, *http.Request) { generated.Add(1) })
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			p := newPortal(t, server.URL, browser.Session{}, browser.Options{Timeout: short}, nil)
			_, err := p.Generate(t.Context(), kustom.Request{MerchantID: kaffebonna})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not say %q: %v", test.want, err)
			}
			if generated.Load() > 0 {
				t.Error("a key is generated")
			}
		})
	}
}
