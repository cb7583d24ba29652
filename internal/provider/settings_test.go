package provider

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// emptyModel is a provider block without attributes.
func emptyModel() providerModel {
	return providerModel{MystoreTokens: types.MapNull(types.StringType)}
}

func tokenMap(tokens map[string]attr.Value) types.Map {
	return types.MapValueMust(types.StringType, tokens)
}

func resolveWith(m providerModel, env map[string]string) (settings, []configProblem) {
	return resolve(m, func(name string) string { return env[name] })
}

func mustResolve(t *testing.T, m providerModel, env map[string]string) settings {
	t.Helper()
	s, problems := resolveWith(m, env)
	if len(problems) > 0 {
		t.Fatalf("refused: %+v", problems)
	}
	return s
}

func TestResolve_HasDefaults(t *testing.T) {
	s := mustResolve(t, emptyModel(), nil)
	got := []string{
		string(*s.environment), s.portalURL.String(), s.apiURL.String(), s.mystoreURL.String(),
		fmt.Sprint(s.maxRetries), s.requestTimeout.String(),
	}
	want := []string{
		"production", "https://portal.kustom.co/api/v1", "https://api.kustom.co", "https://api.mystore.no", "4", "30s",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if s.portalToken != (secretValue{}) || len(s.mystoreTokens) != 0 || s.unknownShops {
		t.Error("there are tokens out of nowhere")
	}
}

func TestResolve_PicksHostsByEnvironment(t *testing.T) {
	m := emptyModel()
	m.Environment = types.StringValue("playground")
	s := mustResolve(t, m, map[string]string{envAPIURL: "https://api.proxy.example"})
	if *s.environment != kustom.Playground || s.portalURL.Host != "portal.playground.kustom.co" || s.apiURL.Host != "api.proxy.example" {
		t.Errorf("got %s, %s, %s", *s.environment, s.portalURL, s.apiURL)
	}
}

// TestResolve_PrefersAttributes sets all variables, and then all attributes, which are preferred.
func TestResolve_PrefersAttributes(t *testing.T) {
	env := map[string]string{
		envEnvironment: "playground", envPortalToken: "portal-env", envMystoreTokens: `{"env-shop": "token-env"}`,
		envPortalURL: "https://portal.env.example/base/v2/", envAPIURL: "https://api.env.example", envMystoreURL: "https://mystore.env.example",
		envProgressFile: "env.jsonl",
	}
	describe := func(s settings) []string {
		tokens := []string{}
		for _, shop := range slices.Sorted(maps.Keys(s.mystoreTokens)) {
			tokens = append(tokens, shop+"="+s.mystoreTokens[shop].value)
		}
		return append([]string{
			string(*s.environment), s.portalToken.value, s.portalURL.String(), s.apiURL.String(), s.mystoreURL.String(),
			s.progressFile,
		}, tokens...)
	}
	got := describe(mustResolve(t, emptyModel(), env))
	want := []string{
		"playground", "portal-env", "https://portal.env.example/base/v2/", "https://api.env.example",
		"https://mystore.env.example", "env.jsonl", "env-shop=token-env",
	}
	if !slices.Equal(got, want) {
		t.Errorf("from the variables: got %q, want %q", got, want)
	}
	got = describe(mustResolve(t, providerModel{
		Environment: types.StringValue("production"), PortalToken: types.StringValue("portal-attribute"),
		MystoreTokens: tokenMap(map[string]attr.Value{"shop": types.StringValue("token-attribute")}),
		PortalURL:     types.StringValue("http://127.0.0.1:8080/portal"), APIURL: types.StringValue("http://localhost:8080"),
		MystoreURL: types.StringValue("http://[::1]:8080"), ProgressFile: types.StringValue("attribute.jsonl"),
	}, env))
	want = []string{
		"production", "portal-attribute", "http://127.0.0.1:8080/portal", "http://localhost:8080", "http://[::1]:8080",
		"attribute.jsonl", "shop=token-attribute",
	}
	if !slices.Equal(got, want) {
		t.Errorf("from the attributes: got %q, want %q", got, want)
	}
}

// writeTokens returns the name of a file with that content, which only its owner can read.
func writeTokens(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestResolve_ReadsTokensFromFile(t *testing.T) {
	want := map[string]secretValue{"fjellsport": {value: "token-1"}, "ullogtre": {value: "token-2"}}
	for name, content := range map[string]string{
		"JSON": `{"fjellsport": "token-1", "ullogtre": "token-2"}`,
		"CSV":  "\uFEFFShop;Token\r\nfjellsport ;token-1\r\nullogtre;\u00A0token-2\r\n",
	} {
		file := writeTokens(t, content)
		m := emptyModel()
		m.MystoreTokensFile = types.StringValue(file)
		other := map[string]string{envMystoreTokens: `{"other": "token"}`, envTokensFile: "nowhere"}
		if got := mustResolve(t, m, other).mystoreTokens; !maps.Equal(got, want) {
			t.Errorf("%s: the attribute gives %d tokens", name, len(got))
		}
		if got := mustResolve(t, emptyModel(), map[string]string{envTokensFile: file}).mystoreTokens; !maps.Equal(got, want) {
			t.Errorf("%s: the variable gives %d tokens", name, len(got))
		}
	}
	s := mustResolve(t, emptyModel(), map[string]string{envMystoreTokens: `{"shop": "token"}`, envTokensFile: "nowhere"})
	if _, ok := s.mystoreTokens["shop"]; !ok || len(s.mystoreTokens) != 1 {
		t.Error("MYSTORE_TOKENS does not go before MYSTORE_TOKENS_FILE")
	}
	m := emptyModel()
	m.MystoreTokensFile = types.StringUnknown()
	if s := mustResolve(t, m, map[string]string{envMystoreTokens: `{"shop": "token"}`}); !s.unknownShops {
		t.Error("the shops of an unknown file are known")
	}
}

// TestBackend_NamesSourceOfTokens expects the errors about missing and refused tokens to name the source that the user chose.
func TestBackend_NamesSourceOfTokens(t *testing.T) {
	file := writeTokens(t, `{"fjellsport": "token-1", "malformed name": "token-2"}`)
	inFile, inMap := emptyModel(), emptyModel()
	inFile.MystoreTokensFile = types.StringValue(file)
	inMap.MystoreTokens = tokenMap(map[string]attr.Value{"fjellsport": types.StringValue("token-1"), "malformed name": types.StringValue("token-2")})
	for source, test := range map[string]struct {
		model providerModel
		env   map[string]string
		place string
	}{
		"mystore_tokens":      {inMap, nil, "add it to mystore_tokens."},
		"mystore_tokens_file": {inFile, nil, "add it to the file in mystore_tokens_file."},
		"MYSTORE_TOKENS": {
			emptyModel(), map[string]string{envMystoreTokens: `{"fjellsport": "token-1", "malformed name": "token-2"}`},
			"add it to the environment variable MYSTORE_TOKENS.",
		},
		"MYSTORE_TOKENS_FILE": {emptyModel(), map[string]string{envTokensFile: file}, "add it to the file that the environment variable MYSTORE_TOKENS_FILE names."},
		"":                    {emptyModel(), nil, "add it to mystore_tokens, or to the environment variable MYSTORE_TOKENS."},
	} {
		s, problems := resolveWith(test.model, test.env)
		if source != "" && (len(problems) != 1 || !strings.HasPrefix(problems[0].message.why, source+" has a key")) {
			t.Errorf("%q: the problems are %+v", source, problems)
		}
		b := newBackend(s, Options{}.withDefaults())
		_, missing := b.shopToken("ullogtre")
		refused := &transport.Error{API: "mystore", TokenSource: s.tokenSource, Kind: transport.Refused, Status: 401, Body: transport.BodyJSON}
		for _, err := range []error{missing, refused} {
			if m := advise(err); !strings.Contains(m.do, test.place) {
				t.Errorf("%q: %T says %q, want %q", source, err, m.do, test.place)
			}
		}
		if want := cmp.Or(source, "mystore_tokens") + " has no token for shop ullogtre"; missing.Error() != want {
			t.Errorf("%q: the error is %q", source, missing)
		}
	}
}

func TestResolve_RefusesFileOfTokens(t *testing.T) {
	for name, test := range map[string]struct{ content, summary, detail string }{
		"malformed": {"{\n\"butikk\": hush}", "Malformed file of Mystore tokens", "Line 2 is not part of a JSON object"},
		"CSV":       {"shop,token\nbutikk,\n", "Malformed file of Mystore tokens", "Row 2, column B (token): The token of shop butikk is empty."},
		"swapped":   {`{"hush hush": "butikk"}`, "Malformed shop name", "mystore_tokens_file has a key"},
		"Bearer":    {"shop;token\nbutikk;Bearer hush\n", "Malformed token", `The token of shop "butikk" begins with Bearer.`},
	} {
		m := emptyModel()
		m.MystoreTokensFile = types.StringValue(writeTokens(t, test.content))
		_, problems := resolveWith(m, nil)
		if len(problems) != 1 {
			t.Errorf("%s: %d problems", name, len(problems))
			continue
		}
		p := problems[0]
		if p.attribute != "mystore_tokens_file" || p.message.warning || p.message.title != test.summary || !strings.Contains(p.message.detail(), test.detail) || strings.Contains(p.message.detail(), "hush") {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	m := emptyModel()
	m.MystoreTokensFile = types.StringValue(filepath.Join(t.TempDir(), "nowhere"))
	if _, problems := resolveWith(m, nil); len(problems) != 1 || problems[0].message.title != "File of Mystore tokens not read" {
		t.Errorf("a file that is not there: %+v", problems)
	}
	m.MystoreTokens = tokenMap(map[string]attr.Value{"shop": types.StringValue("token")})
	if _, problems := resolveWith(m, nil); len(problems) != 1 || problems[0].message.title != "Two sources of Mystore tokens" {
		t.Errorf("two sources: %+v", problems)
	}
}

func TestResolve_WarnsOfFileThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a mode says nothing there")
	}
	file := writeTokens(t, `{"shop": "token"}`)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	s, problems := resolveWith(emptyModel(), map[string]string{envTokensFile: file})
	if len(problems) != 1 || !problems[0].message.warning || !strings.Contains(problems[0].message.detail(), "chmod 600 "+file) {
		t.Errorf("got %+v", problems)
	}
	if len(s.mystoreTokens) != 1 {
		t.Error("the tokens are not read")
	}
}

// TestTokenFault_NamesCopiedCharacters expects errors to name the characters that were copied along, and to quote no token.
func TestTokenFault_NamesCopiedCharacters(t *testing.T) {
	for token, want := range map[string]string{
		"": "", "hush": "", "a-B_c.d~e+f/g=": "", "bearer": "",
		"\uFEFFhush":     "byte order mark",
		"Bearer hush":    "begins with Bearer",
		"BEARER hush":    "begins with Bearer",
		`"hush"`:         "quotation marks",
		"'hush'":         "quotation marks",
		"“hush”":         "quotation marks",
		"hush\nhush":     "line break",
		"hush\r\nhush":   "line break",
		"hush\u00A0hush": "white space",
		"hush\x00":       "white space",
	} {
		fault, do := tokenFault(token)
		got := fault + do
		if (got == "") != (want == "") || !strings.Contains(got, want) || strings.Contains(got, "hush") {
			t.Errorf("%q: got %q, want %q", token, got, want)
		}
	}
	for attribute, m := range map[string]providerModel{
		"portal_token":   {PortalToken: types.StringValue("Bearer hush"), MystoreTokens: types.MapNull(types.StringType)},
		"mystore_tokens": {MystoreTokens: tokenMap(map[string]attr.Value{"shop": types.StringValue("\"hush\"")})},
	} {
		_, problems := resolveWith(m, nil)
		if len(problems) != 1 || problems[0].attribute != attribute || problems[0].message.title != "Malformed token" {
			t.Errorf("%s: got %+v", attribute, problems)
		}
	}
}

func TestNearest_FindsMisspeltShop(t *testing.T) {
	names := []string{"fjellsport", "kaffebonna", "ullogtre", "a", "butikk-12"}
	const padded = "fjellsport "
	for shop, want := range map[string]string{
		"Fjellsport": "fjellsport", padded: "fjellsport", "fjelsport": "fjellsport", "kaffebonne": "kaffebonna",
		"butikk": "", "b": "", "butikk-13": "", "Butikk-12": "butikk-12", "butikk-1": "", "fjell": "", "": "",
	} {
		if got := nearest(shop, slices.Values(names)); got != want {
			t.Errorf("%q: got %q, want %q", shop, got, want)
		}
	}
}

func TestResolve_KeepsUnknownUnknown(t *testing.T) {
	unknown := types.StringUnknown()
	s := mustResolve(t, providerModel{
		Environment: unknown, PortalToken: unknown, MystoreTokens: types.MapUnknown(types.StringType),
		PortalURL: unknown, APIURL: unknown, MystoreURL: unknown, MaxRetries: types.Int64Unknown(), RequestTimeout: unknown,
	}, map[string]string{envEnvironment: "playground", envPortalToken: "not this", envPortalURL: "https://not.this.example"})
	if s.environment != nil || s.portalURL != nil || s.apiURL != nil || s.mystoreURL != nil {
		t.Errorf("got %+v", s)
	}
	if !s.portalToken.unknown || s.portalToken.value != "" || !s.unknownShops {
		t.Error("an unknown token was taken for a known one")
	}
	m := emptyModel()
	m.Environment = unknown
	if s := mustResolve(t, m, nil); s.portalURL != nil || s.apiURL != nil || s.mystoreURL == nil {
		t.Error("the environment's own addresses are known although the environment is not, or Mystore's is not")
	}
	m = emptyModel()
	m.MystoreTokens = tokenMap(map[string]attr.Value{"late": unknown, "known": types.StringValue("token")})
	s = mustResolve(t, m, nil)
	if s.unknownShops || !s.mystoreTokens["late"].unknown || s.mystoreTokens["known"] != (secretValue{value: "token"}) {
		t.Error("one unknown token makes others unknown, or is not unknown itself")
	}
}

func TestResolve_RefusesMalformedSettings(t *testing.T) {
	tests := []struct {
		name  string
		model func(*providerModel)
		env   map[string]string
		// wantAt and wantSummary are the one refusal's.
		wantAt, wantSummary, wantDetail string
	}{
		{name: "environment", model: func(m *providerModel) { m.Environment = types.StringValue("Production") },
			wantAt: "environment", wantSummary: "Unknown environment", wantDetail: `"Production" is neither "production" nor "playground"`},
		{name: "environment's variable", env: map[string]string{envEnvironment: "test"},
			wantAt: "environment", wantSummary: "Unknown environment", wantDetail: "KUSTOM_ENVIRONMENT"},
		{name: "padded portal token", model: func(m *providerModel) { m.PortalToken = types.StringValue("s3cret-token ") },
			wantAt: "portal_token", wantSummary: "White space around a token", wantDetail: "Probably, the copy included it"},
		{name: "padded shop token", env: map[string]string{envMystoreTokens: `{"butikk": "s3cret-token\n"}`},
			wantAt: "mystore_tokens", wantSummary: "White space around a token", wantDetail: `The token of shop "butikk"`},
		{
			name: "empty shop token", model: func(m *providerModel) {
				m.MystoreTokens = tokenMap(map[string]attr.Value{"butikk": types.StringValue("")})
			},
			wantAt: "mystore_tokens", wantSummary: "Empty Mystore token", wantDetail: `The token of shop "butikk" is empty.`,
		},
		{
			name: "null shop token", model: func(m *providerModel) {
				m.MystoreTokens = tokenMap(map[string]attr.Value{"butikk": types.StringNull()})
			},
			wantAt: "mystore_tokens", wantSummary: "Empty Mystore token",
		},
		{name: "tokens are no JSON", env: map[string]string{envMystoreTokens: "butikk=s3cret-token"},
			wantAt: "mystore_tokens", wantSummary: "Malformed MYSTORE_TOKENS", wantDetail: "not shown here"},
		{name: "tokens are a list", env: map[string]string{envMystoreTokens: `["s3cret-token"]`},
			wantAt: "mystore_tokens", wantSummary: "Malformed MYSTORE_TOKENS"},
		{name: "tokens are null", env: map[string]string{envMystoreTokens: `null`},
			wantAt: "mystore_tokens", wantSummary: "Malformed MYSTORE_TOKENS"},
		{name: "a token is an object", env: map[string]string{envMystoreTokens: `{"butikk": {"token": "s3cret-token"}}`},
			wantAt: "mystore_tokens", wantSummary: "Malformed MYSTORE_TOKENS"},
		{name: "more after the tokens", env: map[string]string{envMystoreTokens: `{"butikk": "s3cret-token"} x`},
			wantAt: "mystore_tokens", wantSummary: "Malformed MYSTORE_TOKENS"},
		{name: "http to elsewhere", model: func(m *providerModel) { m.PortalURL = types.StringValue("http://portal.kustom.co") },
			wantAt: "portal_url", wantSummary: "Insecure URL", wantDetail: "KUSTOM_PORTAL_URL"},
		{name: "http to a host that sounds like loopback", env: map[string]string{envAPIURL: "http://localhost.example"},
			wantAt: "api_url", wantSummary: "Insecure URL", wantDetail: "KUSTOM_API_URL"},
		{name: "http to a private address", env: map[string]string{envMystoreURL: "http://192.168.1.10"},
			wantAt: "mystore_url", wantSummary: "Insecure URL", wantDetail: "MYSTORE_URL"},
		{name: "no scheme", model: func(m *providerModel) { m.APIURL = types.StringValue("api.kustom.co") },
			wantAt: "api_url", wantSummary: "Malformed URL", wantDetail: "must be an absolute https URL"},
		{name: "other scheme", model: func(m *providerModel) { m.APIURL = types.StringValue("ftp://api.kustom.co") },
			wantAt: "api_url", wantSummary: "Malformed URL"},
		{name: "password in a URL", model: func(m *providerModel) { m.MystoreURL = types.StringValue("https://me:s3cret-token@api.mystore.no") },
			wantAt: "mystore_url", wantSummary: "Malformed URL", wantDetail: "must not have a user name, a query or a fragment"},
		{name: "query in a URL", model: func(m *providerModel) { m.MystoreURL = types.StringValue("https://api.mystore.no?token=s3cret-token") },
			wantAt: "mystore_url", wantSummary: "Malformed URL"},
		{name: "unreadable URL", model: func(m *providerModel) { m.MystoreURL = types.StringValue("https://me:s3cret-token@[") },
			wantAt: "mystore_url", wantSummary: "Malformed URL"},
		{name: "negative retries", model: func(m *providerModel) { m.MaxRetries = types.Int64Value(-1) },
			wantAt: "max_retries", wantSummary: "Number of retries out of range", wantDetail: "between 0 and 20"},
		{name: "too many retries", model: func(m *providerModel) { m.MaxRetries = types.Int64Value(21) },
			wantAt: "max_retries", wantSummary: "Number of retries out of range"},
		{name: "duration without a unit", model: func(m *providerModel) { m.RequestTimeout = types.StringValue("30") },
			wantAt: "request_timeout", wantSummary: "Malformed duration", wantDetail: `such as "30s" or "1m30s"`},
		{name: "no time at all", model: func(m *providerModel) { m.RequestTimeout = types.StringValue("0s") },
			wantAt: "request_timeout", wantSummary: "Malformed duration"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := emptyModel()
			if test.model != nil {
				test.model(&m)
			}
			_, problems := resolveWith(m, test.env)
			if len(problems) != 1 {
				t.Fatalf("%d refusals, want 1: %+v", len(problems), problems)
			}
			got := problems[0]
			if got.attribute != test.wantAt || got.message.title != test.wantSummary || !strings.Contains(got.message.detail(), test.wantDetail) {
				t.Errorf("got %+v, want %q at %s with %q", got, test.wantSummary, test.wantAt, test.wantDetail)
			}
			if strings.Contains(got.message.detail(), "s3cret-token") {
				t.Error("the refusal shows a token")
			}
		})
	}
}

func TestResolve_AcceptsRange(t *testing.T) {
	for _, retries := range []int64{0, 20} {
		m := emptyModel()
		m.MaxRetries, m.RequestTimeout = types.Int64Value(retries), types.StringValue("1m30s")
		s := mustResolve(t, m, nil)
		if s.maxRetries != int(retries) || s.requestTimeout != 90*time.Second {
			t.Errorf("got %d retries and %v", s.maxRetries, s.requestTimeout)
		}
	}
}

// TestResolve_ReportsEveryMistake expects all mistakes at once, so that users correct them in one go.
func TestResolve_ReportsEveryMistake(t *testing.T) {
	m := emptyModel()
	m.Environment, m.MaxRetries = types.StringValue("x"), types.Int64Value(99)
	_, problems := resolveWith(m, map[string]string{envMystoreTokens: "x", envMystoreURL: "x"})
	if len(problems) != 4 {
		t.Errorf("%d refusals, want 4: %+v", len(problems), problems)
	}
}
