package vendortext_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// token is a secret without a form, in which every encoding changes something.
const token = `t0k/en+"with<all>&ö%41\u0042`

// encodings are what a vendor may repeat a secret as.
func encodings(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(secret)
	var percent, escapes strings.Builder
	for _, b := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02X", b)
	}
	for _, r := range secret {
		fmt.Fprintf(&escapes, `\u%04x`, r)
	}
	all := map[string]string{
		"raw": secret, "JSON": string(quoted), "JSON without HTML": plain.String(), "JSON escapes": escapes.String(),
		"Go": strconv.Quote(secret), "Go ASCII": strconv.QuoteToASCII(secret),
		"URL query": url.QueryEscape(secret), "URL path": url.PathEscape(secret), "percent": percent.String(),
		"URL query twice": url.QueryEscape(url.QueryEscape(secret)), "percent in JSON": strconv.Quote(percent.String()),
		"hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"upper": upper(secret), "spaced": strings.Join(strings.Split(secret, ""), " "),
		"zero width": strings.Join(strings.Split(secret, ""), "\u200b"), "lines": strings.Join(strings.Split(secret, ""), "\r\n"),
	}
	for i := range 3 {
		in := []byte(strings.Repeat("u", i) + secret + ":x")
		all["base64 "+strconv.Itoa(i)] = base64.StdEncoding.EncodeToString(in)
		all["base64 URL "+strconv.Itoa(i)] = base64.RawURLEncoding.EncodeToString(in)
		all["base64 lower "+strconv.Itoa(i)] = strings.ToLower(base64.StdEncoding.EncodeToString(in))
	}
	return all
}

// upper leaves escapes and characters beyond ASCII alone.
func upper(secret string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && r != 'u' {
			return unicode.ToUpper(r)
		}
		return r
	}, secret)
}

func TestShow_HidesKnownSecretInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{token, "kco_live_api_PLANTEDr8Tq2LmX", "klarna-old", "0123456789abcdef0123456789abcdef"} {
		redactor := vendortext.NewRedactor()
		redactor.AddSecrets(secret, "another", "")
		for name, encoded := range encodings(secret) {
			shown := redactor.Show(vendortext.New("before " + encoded + " after"))
			if !strings.HasPrefix(shown, "before ") || !strings.Contains(shown, "(sensitive)") {
				t.Errorf("%s of %s: %q is shown", name, secret, shown)
			}
			// What is left are the characters of base64 that also depend on the neighbours, quotes and colons.
			left := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(shown, "before "), " after"), "(sensitive)", "")
			if len(left) > 12 {
				t.Errorf("%s of %s: %q is left of %q", name, secret, left, encoded)
			}
		}
	}
}

func TestShow_HidesWhatHasFormOfSecret(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Kustom's": "x kco_live_api_SECRET", "Klarna's": "klarna_test_api_SECRET!", "upper": "KCO_LIVE_API_SECRET",
		"split": "kco_li\u200bve_a\x1bpi_SEC\u202eRET", "percent": "kco%5Flive%5Fapi%5FSECRET", "escaped": `kco\u005flive\u005fapi_SECRET`,
		"base64": base64.StdEncoding.EncodeToString([]byte("u:kco_live_api_SECRET")), "hex": hex.EncodeToString([]byte("kco_test_api_SECRET")),
		"bearer": "Authorization: Bearer SECRETSECRETSECRETSECRET", "bearer with digits": "bearer SECRET123",
		"basic": "Basic U0VDUkVUOlNFQ1JFVA==", "JWT": "token eyJSECRETSECRET.SECRET.SECRET", "address": "http://proxy:SECRET@proxy.example:3128",
	} {
		var none *vendortext.Redactor
		shown := none.Show(vendortext.New(text))
		if !strings.Contains(shown, "(sensitive)") || strings.Contains(shown, "SECRET") || strings.Contains(shown, "U0VDUkVU") {
			t.Errorf("%s: %q is shown", name, shown)
		}
	}
}

func TestShow_KeepsWords(t *testing.T) {
	t.Parallel()
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets(token)
	for _, text := range []string{
		"Not allowed: ask your administrator.", "Basic authentication is required", `Bearer realm="portal1"`,
		"Bøker på nett – 100 %", `a "quoted" word and a \ backslash`, "https://portal.example/a?b=%20c", "a secret begins with kco_live_api_",
	} {
		if shown := redactor.Show(vendortext.New(text)); shown != text {
			t.Errorf("%q is shown as %q", text, shown)
		}
	}
}

func TestShow_BoundsAndPrints(t *testing.T) {
	t.Parallel()
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets(token, "s")
	for name, text := range map[string]string{
		"title": "\x1b]0;owned\x07", "bidirectional": "a\u202eb\u2066c", "lines": "a\nb\r\nc\u2028d\u0085e", "zero": "a\x00b\ufeffc",
		"long": strings.Repeat("a", 2<<20), "long and wide": strings.Repeat("ø", 2<<20), "invisible": strings.Repeat("\u200b", 2<<20) + "end",
		"broken": "\xff\xfe" + strings.Repeat("\xf0\x9f", 1000), "secrets": strings.Repeat(token+" ", 1<<14), "short": strings.Repeat("s", 1<<14),
	} {
		shown := redactor.Show(vendortext.New(text))
		mustBeFit(t, name, shown)
		if strings.Contains(shown, token[:8]) {
			t.Errorf("%s: a part of the secret is shown", name)
		}
	}
}

func mustBeFit(t *testing.T, name, shown string) {
	t.Helper()
	if n := utf8.RuneCountInString(shown); n > 320 {
		t.Errorf("%s: %d characters are shown", name, n)
	}
	for _, r := range shown {
		if !unicode.IsPrint(r) {
			t.Errorf("%s: %q is shown, with %q", name, shown, r)
			return
		}
	}
}

func TestShowLines_KeepsLinesOnly(t *testing.T) {
	t.Parallel()
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets(token, "e")
	shown := redactor.ShowLines(vendortext.New("one\n\n\x1btwo "+token+"\u202e\n"+strings.Repeat("x", 1000)), 100)
	if !strings.HasPrefix(shown, "one\n\n two (sensitive)\nxxx") || utf8.RuneCountInString(shown) > 101 {
		t.Errorf("%q is shown", shown)
	}
}

func TestText_PrintsAsPlaceholder(t *testing.T) {
	t.Parallel()
	const raw = "what the vendor said"
	text := vendortext.New(raw)
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "text", text, "in", struct{ T vendortext.Text }{text})
	marshalled, err := json.Marshal([]vendortext.Text{text})
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		fmt.Sprint(text), fmt.Sprintf("%v %+v %#v %s %q %x %d", text, text, text, text, text, text, text),
		fmt.Sprintf("%+v", []vendortext.Text{text}), fmt.Sprintf("%v", &text), logged.String(), string(marshalled),
	} {
		if strings.Contains(printed, raw) || strings.Contains(printed, hex.EncodeToString([]byte(raw))) {
			t.Errorf("it prints as %s", printed)
		}
	}
	var read vendortext.Text
	if err := json.Unmarshal([]byte(`"`+raw+`"`), &read); err != nil || read != text || read.IsZero() {
		t.Errorf("it is read as %q: %v", (*vendortext.Redactor)(nil).Show(read), err)
	}
}

func TestError_ShowsTextAndKeepsCause(t *testing.T) {
	t.Parallel()
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets(token)
	err := redactor.Error(fmt.Errorf("malformed %s \x1b: %w", token, io.EOF))
	if got := err.Error(); got != "malformed (sensitive)  : EOF" {
		t.Errorf("the text is %q", got)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
	if redactor.Error(nil) != nil {
		t.Error("no error becomes one")
	}
}

// FuzzShow has a vendor repeat a secret between texts of its choice.
func FuzzShow(f *testing.F) {
	f.Add("before ", token, " after")
	f.Add("%", "25kco", "\\u00")
	f.Add("\xff", "aaaaaa", "aaaa")
	f.Add("0", "            ", "$")
	f.Add("", "a            b", "")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		redactor := vendortext.NewRedactor()
		redactor.AddSecrets(secret)
		shown := redactor.Show(vendortext.New(before + secret + after))
		mustBeFit(t, "fuzz", shown)
		if len(secret) > len("(sensitive)") && strings.Contains(shown, secret) {
			t.Errorf("%q is shown of %q", shown, secret)
		}
	})
}
