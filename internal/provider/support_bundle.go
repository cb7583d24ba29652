package provider

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// supportBundle has what a support team needs to know about a store and its shop. It holds no secret (I2). It
// has no time of its own, which would change it at each plan.
type supportBundle struct {
	ProviderVersion string `json:"provider_version"`
	Environment     string `json:"environment"`
	MerchantID      string `json:"merchant_id"`
	// These are null if they were not requested or could not be read.
	EndpointStatus *bundleStatus `json:"endpoint_status"`
	APIKeys        []bundleKey   `json:"api_keys"`
	Shop           *bundleShop   `json:"shop"`
	Proof          *bundleProof  `json:"proof"`
	// Failures are the parts that could not be read.
	Failures []bundleFailure `json:"failures"`
}

type bundleStatus struct {
	ActionRequired bool            `json:"action_required"`
	Services       []bundleService `json:"services"`
}

type bundleService struct {
	Service        string     `json:"service"`
	Host           string     `json:"host"`
	LastUsedAt     *time.Time `json:"last_used_at"`
	ActionRequired *string    `json:"action_required"`
}

type bundleKey struct {
	Username    string     `json:"username"`
	Host        string     `json:"host"`
	Description *string    `json:"description"`
	CreatedAt   time.Time  `json:"created_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	ExpiresAt   *time.Time `json:"expires_at"`
	// MystoreShops are the shops that use the key; null if not all could be asked.
	MystoreShops []string `json:"mystore_shops"`
}

type bundleShop struct {
	Name        string             `json:"name"`
	Extension   *bundleExtension   `json:"klarna_checkout_v3"`
	Credentials *bundleCredentials `json:"credentials"`
}

type bundleExtension struct {
	Version string `json:"version"`
	Active  bool   `json:"active"`
}

type bundleCredentials struct {
	KustomID *string `json:"kustom_id"`
	// SecretSet is nil if the shop's page does not show it.
	SecretSet *bool   `json:"secret_set"`
	UpdatedAt *string `json:"updated_at"`
}

type bundleProof struct {
	KustomID string `json:"kustom_id"`
	Verdict  string `json:"verdict"`
	// Cause says why the pair was not accepted.
	Cause *string      `json:"cause"`
	Calls []bundleCall `json:"calls"`
}

type bundleFailure struct {
	Part  string `json:"part"`
	Cause string `json:"cause"`
	// Calls are the requests that failed.
	Calls []bundleCall `json:"calls"`
}

type bundleCall struct {
	Call string `json:"call"`
	// Status is 0 if there was no answer.
	Status        int    `json:"status"`
	CorrelationID string `json:"correlation_id"`
}

// bundleCalls returns requests in an order that does not depend on which ended first.
func bundleCalls(exchanges []transport.RequestRecord) []bundleCall {
	calls := make([]bundleCall, 0, len(exchanges))
	for _, e := range exchanges {
		calls = append(calls, bundleCall{Call: describeCall(e), Status: e.Status, CorrelationID: e.CorrelationID})
	}
	slices.SortStableFunc(calls, func(a, b bundleCall) int { return cmp.Compare(a.Call, b.Call) })
	return calls
}

// shown returns a vendor's text in a form that can be shared; nil if it is empty.
func shown(redactor *vendortext.Redactor, text *string) *string {
	if text == nil {
		return nil
	}
	fit := redactor.Show(vendortext.New(*text))
	return &fit
}

// notAnID replaces a text that a shop holds in place of an ID. It may be the secret.
const notAnID = "(not shown: it does not look like a Kustom ID, and may be the secret)"

// heldID returns the ID that a shop holds, or nil.
func heldID(id string) *string {
	if id == "" {
		return nil
	}
	if !showsAsID(id) {
		id = notAnID
	}
	return &id
}

// showsAsID reports whether the text that a shop holds as its ID may be shown. Users swap ID and secret, or
// enter both in one field.
func showsAsID(id string) bool { return isUsername(id) && kustom.FindSecret(id) == "" }

// json returns the bundle in JSON.
func (b supportBundle) json() (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(b); err != nil {
		return "", err
	}
	return text.String(), nil
}

// markdown returns the bundle as a document.
func (b supportBundle) markdown() string {
	var d markdownDocument
	d.heading("# Store %s", b.MerchantID)
	d.table([]string{"Fact", "Value"}, [][]string{
		{"Provider", "terraform-provider-kustom " + b.ProviderVersion},
		{"Environment", b.Environment},
	})
	d.status(b.EndpointStatus)
	d.keys(b.APIKeys)
	d.shop(b.Shop)
	d.proof(b.Proof)
	d.failures(b.Failures)
	return d.text.String()
}

// markdownDocument is a document under construction.
type markdownDocument struct{ text strings.Builder }

func (d *markdownDocument) heading(format string, texts ...string) {
	if d.text.Len() > 0 {
		d.text.WriteByte('\n')
	}
	escaped := make([]any, 0, len(texts))
	for _, text := range texts {
		escaped = append(escaped, escapeMarkdown(text))
	}
	fmt.Fprintf(&d.text, format+"\n", escaped...)
}

func (d *markdownDocument) table(columns []string, rows [][]string) {
	d.text.WriteByte('\n')
	if len(rows) == 0 {
		d.text.WriteString("None.\n")
		return
	}
	d.row(columns)
	d.text.WriteString(strings.Repeat("| --- ", len(columns)) + "|\n")
	for _, row := range rows {
		d.row(row)
	}
}

func (d *markdownDocument) row(cells []string) {
	for _, cell := range cells {
		d.text.WriteString("| " + escapeMarkdown(cell) + " ")
	}
	d.text.WriteString("|\n")
}

// meaningful are the characters that end a Markdown cell or have a meaning in one.
var meaningful = regexp.MustCompile("[\\\\`*_\\[\\]<>|~&]")

// escapeMarkdown escapes text so that it looks the same in Markdown, on one line.
func escapeMarkdown(text string) string {
	return meaningful.ReplaceAllString(strings.Join(strings.Fields(text), " "), `\$0`)
}

func (d *markdownDocument) status(status *bundleStatus) {
	if status == nil {
		return
	}
	d.heading("## Endpoint switch status: action %s", choose(status.ActionRequired, "required", "not required"))
	var rows [][]string
	for _, s := range status.Services {
		rows = append(rows, []string{s.Service, s.Host, timeOr(s.LastUsedAt, "never"), stringOr(s.ActionRequired, "none")})
	}
	d.table([]string{"Service", "Host", "Last used", "Action required"}, rows)
}

func (d *markdownDocument) keys(keys []bundleKey) {
	if keys == nil {
		return
	}
	d.heading("## API keys")
	var rows [][]string
	for _, k := range keys {
		shops := strings.Join(k.MystoreShops, ", ")
		if k.MystoreShops == nil {
			shops = "not known"
		}
		rows = append(rows, []string{
			k.Username, k.Host, stringOr(k.Description, ""), k.CreatedAt.Format(time.RFC3339), timeOr(k.LastUsedAt, "never"), timeOr(k.ExpiresAt, "none shown"), shops,
		})
	}
	d.table([]string{"Username", "Host", "Description", "Created", "Last used", "Expires", "Shops"}, rows)
}

func (d *markdownDocument) shop(shop *bundleShop) {
	if shop == nil || (shop.Extension == nil && shop.Credentials == nil) {
		return
	}
	d.heading("## Shop %s", shop.Name)
	var rows [][]string
	if e := shop.Extension; e != nil {
		rows = append(rows, []string{"Klarna Checkout V3", e.Version + ", " + choose(e.Active, "active", "not active")})
	}
	if c := shop.Credentials; c != nil {
		rows = append(rows,
			[]string{"Kustom ID", stringOr(c.KustomID, "none")},
			[]string{"Kustom Secret", secretText(c.SecretSet)},
			[]string{"Last changed", stringOr(c.UpdatedAt, "never")})
	}
	d.table([]string{"Fact", "Value"}, rows)
}

func secretText(set *bool) string {
	if set == nil {
		return "not shown"
	}
	return choose(*set, "set", "not set")
}

func (d *markdownDocument) proof(proof *bundleProof) {
	if proof == nil {
		return
	}
	d.heading("## Proof of %s: %s", proof.KustomID, proof.Verdict)
	if proof.Cause != nil {
		d.table([]string{"Cause"}, [][]string{{*proof.Cause}})
	}
	d.calls(proof.Calls)
}

func (d *markdownDocument) failures(failures []bundleFailure) {
	for _, f := range failures {
		d.heading("## Not read: %s", f.Part)
		d.table([]string{"Cause"}, [][]string{{f.Cause}})
		d.calls(f.Calls)
	}
}

func (d *markdownDocument) calls(calls []bundleCall) {
	if len(calls) == 0 {
		return
	}
	var rows [][]string
	for _, c := range calls {
		status := "no answer"
		if c.Status != 0 {
			status = strings.TrimSpace(strconv.Itoa(c.Status) + " " + http.StatusText(c.Status))
		}
		rows = append(rows, []string{c.Call, status, c.CorrelationID})
	}
	d.table([]string{"Call", "Status", "Correlation ID"}, rows)
}

func choose(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

func timeOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Format(time.RFC3339)
}

func stringOr(text *string, none string) string {
	if text == nil {
		return none
	}
	return *text
}
