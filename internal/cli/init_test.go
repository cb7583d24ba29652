package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/setup"
)

// newcomer is a person with accounts in a sandbox, who runs init.
type newcomer struct {
	t   *testing.T
	box *sandbox.Sandbox
	env map[string]string
	dir string
	// answers is what the person enters; nil is nobody at a terminal.
	answers io.Reader

	stdout, stderr bytes.Buffer
}

func newNewcomer(t *testing.T, seed sandbox.Seed) *newcomer {
	t.Helper()
	box, server := sandboxtest.Start(t, seed, sandbox.Options{})
	return &newcomer{t: t, box: box, env: server.Env(), dir: filepath.Join(t.TempDir(), "shops")}
}

// init runs init, and returns the exit code. It expects the vendors to be read from only.
func (n *newcomer) init(args ...string) int {
	n.t.Helper()
	return n.initWithin(n.t.Context(), args...)
}

// mustInit runs init, and fails the test if it does not succeed.
func (n *newcomer) mustInit(args ...string) {
	n.t.Helper()
	if code := n.init(args...); code != 0 {
		n.t.Fatalf("it ends with %d: %s", code, &n.stderr)
	}
}

func (n *newcomer) initWithin(ctx context.Context, args ...string) int {
	n.t.Helper()
	n.stdout.Reset()
	n.stderr.Reset()
	var browsers browser.Group
	getenv := func(name string) string { return n.env[name] }
	code := cli.Run(ctx, append([]string{"init", n.dir}, args...), cli.Deps{
		Version: "1.2.3", Getenv: getenv, Stdout: &n.stdout, Stderr: &n.stderr, Stdin: n.answers, Interactive: n.answers != nil,
		Survey: func(ctx context.Context, so provider.SurveyOptions) (setup.VendorData, error) {
			return provider.Survey(ctx, provider.Options{Version: "1.2.3", Getenv: getenv, Browsers: &browsers}, so)
		},
	})
	if err := browsers.Close(); err != nil {
		n.t.Error(err)
	}
	for _, r := range n.box.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			n.t.Errorf("init asked for %s %s", r.Method, r.Path)
		}
	}
	if violations := n.box.Violations(); len(violations) > 0 {
		n.t.Errorf("violations: %v", violations)
	}
	return code
}

// files returns what is in the folder.
func (n *newcomer) files() map[string]string {
	n.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(n.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(n.dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		n.t.Fatal(err)
	}
	return files
}

// says expects texts on standard error.
func (n *newcomer) says(texts ...string) {
	n.t.Helper()
	wantAll(n.t, n.stderr.String(), texts...)
}

// wantAll fails the test unless a text has all of these parts.
func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

// list writes a list of shops, and returns its name.
func (n *newcomer) list(content string) string {
	n.t.Helper()
	name := filepath.Join(n.t.TempDir(), "list.csv")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return name
}

const threeShopsList = "shop,merchant_id\nfjellsport,M00412871\nkaffebonna,M00537204\nullogtre,M00698335\n"

func TestInit_WritesTheShopsThatTokensSee(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, sandbox.ThreeShops())
	n.mustInit()
	files := n.files()
	want := []string{".gitignore", "main.tf", "outputs.tf", "provider.tf", "shops.csv", "versions.tf"}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("it has written %q", got)
	}
	if printed := strings.Fields(n.stdout.String()); len(printed) != len(want) {
		t.Errorf("it prints %q", printed)
	}
	if files["shops.csv"] != threeShopsList {
		t.Errorf("the shops are %s", files["shops.csv"])
	}
	wantAll(t, files["provider.tf"], "KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS", "KUSTOM_API_URL")
	if strings.Contains(files["provider.tf"], "browser {") || strings.Contains(files["provider.tf"], "MYSTORE_SESSIONS") {
		t.Errorf("provider.tf is\n%s", files["provider.tf"])
	}
	n.says("3 of 3 shops match one of 3 stores.", "3 by the key that the shop holds", "terraform init\n  terraform plan")
}

// The list is in the form of a Norwegian spreadsheet, with an unrelated column.
func TestInit_WritesTheShopsOfAList(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, sandbox.ThreeShops())
	list, err := charmap.Windows1252.NewEncoder().String("Shop;Eier;Token;Wave\r\n ullogtre ;Kjøpmannen;hush-token;2\r\nfjellsport;;;1\r\n")
	if err != nil {
		t.Fatal(err)
	}
	n.mustInit("--from", n.list(list), "--environment", "production")
	if got, want := n.files()["shops.csv"], "shop,merchant_id,wave\nullogtre,M00698335,2\nfjellsport,M00412871,1\n"; got != want {
		t.Errorf("the shops are %q", got)
	}
	for _, r := range n.box.Requests() {
		if strings.Contains(r.Path, "kaffebonna") {
			t.Error("a shop is read that is not in the list")
		}
	}
	n.says("These stores have no shop here:\n  M00537204 (Kaffebønna)\n")
	more := newNewcomer(t, sandbox.ThreeShops())
	more.mustInit("--from", more.list("shop\nullogtre\n"), "--mystore", "kaffebonna", "--store", "fjellsport=M00412871", "--store", "fjelsport=M00412871")
	if got, want := more.files()["shops.csv"], "shop,merchant_id\nullogtre,M00698335\nfjellsport,M00412871\nkaffebonna,M00537204\n"; got != want {
		t.Errorf("with more shops by flags, they are %q", got)
	}
	more.says("fjelsport: there is no token")
}

// TestInit_LeavesOutWhatDoesNotMatch names each shop with the reason, and writes the others.
func TestInit_LeavesOutWhatDoesNotMatch(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	seed.Shops[1].KustomID, seed.Shops[1].KustomSecret = "", ""
	seed.Stores[1].Website = ""
	seed.Shops[2].Extensions = nil
	seed.Shops[2].KustomID, seed.Shops[2].KustomSecret = "", ""
	seed.Shops = append(seed.Shops, sandbox.Shop{Name: "nybutikk", Token: "fake-mystore-token-nybutikk", Permissions: []string{}})
	n := newNewcomer(t, seed)
	if code := n.init("--from", n.list("shop\nnybutikk\nfjellsport\nkaffebonna\nullogtre\nfjelsport\n")); code != 3 {
		t.Fatalf("it ends with %d: %s", code, &n.stderr)
	}
	if got := n.files()["provider.tf"]; !strings.Contains(got, `  # ignored_shops = ["nybutikk"]`) {
		t.Errorf("the provider's file does not name the shop that can't be read:\n%s", got)
	}
	if got := n.files()["shops.csv"]; got != "shop,merchant_id\nfjellsport,M00412871\n" {
		t.Errorf("the shops are %q", got)
	}
	n.says("1 of 5 shops match", "nybutikk: ", "kaffebonna: it shows no Kustom ID, and no store has its website; store "+
		"M00537204 (Kaffebønna) has a similar name",
		"ullogtre: ", "no Klarna Checkout V3", "fjelsport: there is no token and no session for it; there is one for fjellsport")
}

// The plan names the unreadable shop, and still deletes the old keys of the others.
func TestInit_WritesUnreadShopWhoseStoreIsSaid(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	seed.Shops[1].Permissions = []string{}
	n := newNewcomer(t, seed)
	n.mustInit("--from", n.list("shop;merchant_id\nfjellsport;\nkaffebonna;M00537204\n"))
	if got := n.files()["shops.csv"]; got != "shop,merchant_id\nfjellsport,M00412871\nkaffebonna,M00537204\n" {
		t.Errorf("the shops are %q", got)
	}
	n.says("2 of 2 shops match", "These shops can't be read yet", "kaffebonna (M00537204): ")
}

// TestInit_MatchesByThePortalsList a key whose username does not tell the store.
func TestInit_MatchesByThePortalsList(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	for i := range seed.Stores {
		key := &seed.Stores[i].Keys[0]
		key.Username, seed.Stores[i].Website = key.CredentialID, ""
		seed.Shops[i].KustomID = key.Username
	}
	n := newNewcomer(t, seed)
	if code := n.init(); code != 0 || n.files()["shops.csv"] != threeShopsList {
		t.Errorf("it ends with %d, and writes %q:\n%s", code, n.files()["shops.csv"], &n.stderr)
	}
	n.says("3 by the key that the shop holds")
}

// TestInit_WritesNothing in each of these cases, and says why.
func TestInit_WritesNothing(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, test := range map[string]struct {
		change func(*newcomer)
		ctx    context.Context
		args   []string
		code   int
		says   string
	}{
		"no shop matches":    {change: func(n *newcomer) { n.env["MYSTORE_TOKENS"] = "{}" }, code: 1, says: "no shop matches a store"},
		"no portal":          {change: func(n *newcomer) { n.env["KUSTOM_PORTAL_TOKEN"] = "fake-portal-token-expired" }, code: 1, says: "the list of stores could not be read"},
		"nobody signed in":   {change: func(n *newcomer) { clear(n.env) }, code: 1, says: "Nobody has signed in to Kustom Portal"},
		"no list":            {args: []string{"--from", "nowhere.csv"}, code: 1, says: "nowhere.csv"},
		"a list of nothing":  {args: []string{"--from", "../../go.mod"}, code: 1, says: "go.mod: The list has no column shop."},
		"other environment":  {args: []string{"--environment", "moon"}, code: 1, says: "Unknown environment"},
		"two folders":        {args: []string{"another"}, code: 2, says: "init takes one folder"},
		"other CI":           {args: []string{"--ci", "jenkins"}, code: 2, says: "it must be github or gitlab"},
		"no store":           {args: []string{"--store", "fjellsport"}, code: 2, says: "a merchant ID is M, K or N"},
		"a store of nothing": {args: []string{"--store", "=M1"}, code: 2, says: "not of the form shop=merchant_id"},
		"no address":         {args: []string{"--mystore", "a=ftp://a"}, code: 2, says: "must be an https address"},
		"no shop":            {args: []string{"--mystore", "a b"}, code: 2, says: "not the name of a shop"},
		"stopped":            {ctx: stopped, code: 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t, sandbox.ThreeShops())
			if test.change != nil {
				test.change(n)
			}
			ctx := t.Context()
			if test.ctx != nil {
				ctx = test.ctx
			}
			if code := n.initWithin(ctx, test.args...); code != test.code {
				t.Errorf("it ends with %d", code)
			}
			n.says(test.says)
			if _, err := os.Stat(n.dir); !os.IsNotExist(err) || n.stdout.Len() > 0 {
				t.Errorf("there is a folder (%v), and it prints %q", err, &n.stdout)
			}
		})
	}
}

// init fails before it asks the vendors, and names the files.
func TestInit_OverwritesNothing(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, sandbox.ThreeShops())
	n.mustInit()
	before := n.files()
	n.box.ResetRequests()
	if code := n.init("--ci", "github"); code != 1 {
		t.Errorf("it ends with %d", code)
	}
	n.says("versions.tf, provider.tf, main.tf, outputs.tf, shops.csv, .gitignore")
	if len(n.box.Requests()) > 0 || !maps.Equal(n.files(), before) {
		t.Errorf("%d requests; the folder has %q", len(n.box.Requests()), slices.Collect(maps.Keys(n.files())))
	}
}

// init asks about each shop once, and asks nothing without a person.
func TestInit_AsksWhatNothingTells(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	for i := range seed.Shops[:2] {
		seed.Shops[i].KustomID, seed.Shops[i].KustomSecret, seed.Stores[i].Website = "", "", ""
	}
	seed.Shops[0].MerchantID = ""
	for name, test := range map[string]struct {
		answers string
		want    string
		asked   int
	}{
		"answered":          {"M00412871\nM00537204\n", threeShopsList, 2},
		"answered badly":    {"what?\nM00412871\n\n", "shop,merchant_id\nfjellsport,M00412871\nullogtre,M00698335\n", 2},
		"unseen store":      {"M00999999\n\n", "shop,merchant_id\nullogtre,M00698335\n", 2},
		"nothing to answer": {"", "shop,merchant_id\nullogtre,M00698335\n", 2},
		"one store for two": {"M00698335\n\nyes\n", "shop,merchant_id\nfjellsport,M00698335\nullogtre,M00698335\n", 3},
		"not shared":        {"M00698335\nM00537204\n\n", "shop,merchant_id\nkaffebonna,M00537204\n", 3},
	} {
		n := newNewcomer(t, seed)
		n.answers = strings.NewReader(test.answers)
		if code := n.init(); code != 0 || n.files()["shops.csv"] != test.want {
			t.Errorf("%s: it ends with %d, and writes %q:\n%s", name, code, n.files()["shops.csv"], &n.stderr)
		}
		if asked := strings.Count(n.stderr.String(), "\nShop "); asked != test.asked {
			t.Errorf("%s: it asks %d times:\n%s", name, asked, &n.stderr)
		}
		if shared := strings.Contains(n.files()["terraform.tfvars"], `shared_merchant_ids = ["M00698335"]`); shared != (name == "one store for two") {
			t.Errorf("%s: the store is shared: %v", name, shared)
		}
	}
	n := newNewcomer(t, seed)
	if code := n.init("--store", "fjellsport=M00698335", "--shared", "M00698335"); code != 0 || strings.Count(n.files()["shops.csv"], "M00698335") != 2 {
		t.Errorf("by flags, it ends with %d, and writes %q", code, n.files()["shops.csv"])
	}
	if strings.Contains(n.stderr.String(), "\nShop ") {
		t.Errorf("nobody is there, and it asks:\n%s", &n.stderr)
	}
}

// A person presses Ctrl-C at a question.
func TestInit_StopsWhileItAsks(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	seed.Shops[0].KustomID, seed.Shops[0].KustomSecret, seed.Stores[0].Website = "", "", ""
	n := newNewcomer(t, seed)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	n.answers = readerFunc(func([]byte) (int, error) { stop(); select {} })
	if code := n.initWithin(ctx); code != 130 || len(n.files()) > 0 {
		t.Errorf("it ends with %d, and has written %d files", code, len(n.files()))
	}
	n.says("stopped; nothing is written")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestInit_WritesNoSecret plants secrets wherever it reads, and looks for them in everything that it says and writes.
func TestInit_WritesNoSecret(t *testing.T) {
	t.Parallel()
	const own = "kco_live_api_PLANTED0123456789abcdefghij"
	seed := sandbox.ThreeShops()
	seed.Shops[1].KustomID, seed.Shops[1].KustomSecret, seed.Stores[1].Website, seed.Stores[1].Name = "", "", "", "Kaffe "+own
	n := newNewcomer(t, seed)
	// What was pasted into the wrong place: the secret for the ID.
	n.env["MYSTORE_LOGINS"] = `{"nobody": {"email": "owner@nobody.example", "password": "` + own + `-password"}}`
	n.answers = strings.NewReader(own + "\nfake-mystore-token-kaffebonna\n\n")
	list := n.list("shop,token,website,note\nfjellsport," + own + "," + own + "," + own + "\nkaffebonna,fake-mystore-token-kaffebonna,,\nullogtre,,,\n")
	n.mustInit("--from", list, "--ci", "github")
	secrets := append(n.box.Secrets(), own, n.env["KUSTOM_PORTAL_TOKEN"], own+"-password")
	var tokens map[string]string
	if err := json.Unmarshal([]byte(n.env["MYSTORE_TOKENS"]), &tokens); err != nil {
		t.Fatal(err)
	}
	secrets = slices.AppendSeq(secrets, maps.Values(tokens))
	everything := n.files()
	everything["standard output"], everything["standard error"] = n.stdout.String(), n.stderr.String()
	for where, text := range everything {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has a secret", where)
			}
		}
	}
	if len(everything) < 9 || len(secrets) < 9 {
		t.Errorf("%d texts and %d secrets: the test shows nothing", len(everything), len(secrets))
	}
}

// If one file would hold a secret, no file is written.
func TestInit_RefusesATokenForAWord(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	box := startSandbox(t)
	n := newNewcomer(t, sandbox.ThreeShops())
	maps.Copy(n.env, box.PagesEnv())
	n.env["KUSTOM_PORTAL_TOKEN"] = ""
	const secret = "kco_live_api_PLANTED0123456789abcdefghij"
	if code := n.init("--label", "portal.generate_new="+secret); code != 1 || len(n.files()) > 0 {
		t.Errorf("it ends with %d, and has written %d files", code, len(n.files()))
	}
	n.says("may contain a secret, so nothing is written")
	if strings.Contains(n.stderr.String(), secret) {
		t.Error("it shows the secret")
	}
}

// The shop is left out, and keeps the keys of all others.
func TestInit_SaysThatAnUnreadableShopKeepsOldKeys(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, sandbox.ThreeShops())
	if code := n.init(); code != 0 || strings.Contains(n.stderr.String(), "can't be read") {
		t.Fatalf("it ends with %d: %s", code, &n.stderr)
	}
	n = newNewcomer(t, sandbox.ThreeShops())
	n.env["MYSTORE_TOKENS"] = strings.Replace(n.env["MYSTORE_TOKENS"], "fake-mystore-token-ullogtre", "fake-mystore-token-expired", 1)
	if code := n.init(); code != 3 {
		t.Fatalf("it ends with %d: %s", code, &n.stderr)
	}
	n.says("2 of 3 shops", "  ullogtre: Mystore rejects the shop's token", "it deletes no old\nkey", "ignored_shops")
}

func TestInit_WritesFleetsForManyShops(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, sandbox.FleetSeed(251))
	n.mustInit("--ci", "github")
	files := n.files()
	if !strings.Contains(files["main.tf"], `"kustom_mystore_fleet"`) || !strings.Contains(files["terraform.tfvars"], "chunks = 2\n") ||
		strings.Count(files["shops.csv"], "\n") != 252 || !strings.Contains(files[".github/workflows/shops.yml"], "terraform plan") {
		t.Errorf("it has written %v", files)
	}
	if lines := strings.Count(n.stderr.String(), "\n"); lines > 15 {
		t.Errorf("it says %d lines", lines)
	}
	n.says("251 of 251 shops", "PG_CONN_STR")
}

// TestInit_NeedsOnlySessions needs nothing but sessions.
func TestInit_NeedsOnlySessions(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	n := newNewcomer(t, sandbox.ThreeShops())
	server, err := sandbox.Start(n.box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	n.env = server.PagesEnv()
	var admins map[string]string
	if err := json.Unmarshal([]byte(n.env["MYSTORE_ADMIN_URLS"]), &admins); err != nil {
		t.Fatal(err)
	}
	delete(n.env, "MYSTORE_ADMIN_URLS")
	var args []string
	for shop, address := range admins {
		args = append(args, "--mystore", shop+"="+address)
	}
	n.mustInit(append(args, "--ci", "gitlab")...)
	files := n.files()
	if pipeline := files[".gitlab-ci.yml"]; !strings.Contains(pipeline, "KUSTOM_PORTAL_SESSION, MYSTORE_SESSIONS") || !strings.Contains(pipeline, "chromium") {
		t.Errorf("the pipeline does not sign in with sessions:\n%s", pipeline)
	}
	if files["shops.csv"] != threeShopsList {
		t.Errorf("the shops are %q", files["shops.csv"])
	}
	wantAll(t, files["provider.tf"], "KUSTOM_PORTAL_SESSION", "MYSTORE_SESSIONS", "browser {", "mystore_admin_urls = {", `= "`+admins["fjellsport"]+`"`)
}
