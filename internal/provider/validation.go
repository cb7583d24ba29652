package provider

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// credentialIDPattern is not documented: it only keeps an ID from being something else.
var credentialIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// mayBeSecret tells whether a text that should be an ID may be a secret, which nobody is shown (I2).
func mayBeSecret(text string) bool { return kustom.MayHoldSecret(text) }

func isShopName(text string) bool { return shoplist.IsName(text) }

func isMerchantID(text string) bool {
	_, err := kustom.ParseMerchantID(text)
	return err == nil
}

func isUsername(text string) bool { return kustom.FormOf(text) != kustom.UsernameOther }

type merchantIDValidator struct{}

func (merchantIDValidator) Description(context.Context) string {
	return "a merchant ID: M, K or N (PM, PK or PN in the playground) and digits"
}

func (v merchantIDValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

func (merchantIDValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || isMerchantID(req.ConfigValue.ValueString()) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Malformed merchant ID", malformedMerchantID(req.ConfigValue.ValueString()))
}

// malformedMerchantID does not repeat what may be a secret (I2).
func malformedMerchantID(text string) string {
	quoted := strconv.Quote(text)
	if mayBeSecret(text) {
		quoted = "The value, which is not shown because it may be a secret,"
	}
	return quoted + " is not a merchant ID. Kustom Portal shows it beside the store's name: M and digits, such as M00123456, or K or N " +
		"and digits for a store that came from Klarna, such as K123456. In the playground it begins with P, such as PM00123456."
}

func isCredentialID(text string) bool {
	return credentialIDPattern.MatchString(text) && !mayBeSecret(text)
}

type credentialIDValidator struct{}

func (credentialIDValidator) Description(context.Context) string {
	return "the credential_id of an API key"
}

func (v credentialIDValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

// ValidateString does not quote the value, which may be a secret that was taken for an ID (I2).
func (credentialIDValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || isCredentialID(req.ConfigValue.ValueString()) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Malformed key ID",
		"This is not the ID of an API key. It is what kustom_api_key and kustom_mystore_connection call credential_id, without the merchant ID. "+
			"It looks like 7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11, or by the portal's pages like M00123456-aB3dE.")
}

type descriptionValidator struct{}

func (descriptionValidator) Description(context.Context) string {
	return "1 to 100 letters, digits, spaces and -:;.,_"
}

func (v descriptionValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

func (v descriptionValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || kustom.IsDescription(req.ConfigValue.ValueString()) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Malformed description",
		"Kustom Portal takes "+v.Description(ctx)+" as the description of a key.")
}

type hostValidator struct{}

func (hostValidator) hosts() []string {
	var hosts []string
	for _, e := range kustom.Environments() {
		hosts = append(hosts, e.Host(), e.LegacyHost())
	}
	return hosts
}

func (v hostValidator) Description(context.Context) string {
	return "one of " + strings.Join(v.hosts(), ", ")
}

func (v hostValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v hostValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || slices.Contains(v.hosts(), req.ConfigValue.ValueString()) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Unknown host",
		fmt.Sprintf("Keys belong to %s; %q is none of these.", v.Description(ctx), req.ConfigValue.ValueString()))
}

type timeValidator struct{}

func (timeValidator) Description(context.Context) string {
	return "a point in time in RFC 3339's form"
}

func (v timeValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v timeValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := time.Parse(time.RFC3339, req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Malformed point in time",
			fmt.Sprintf("%q does not have the form of 2026-03-31T00:00:00Z (RFC 3339).", req.ConfigValue.ValueString()))
	}
}

type durationValidator struct{}

func (durationValidator) Description(context.Context) string {
	return "a positive duration with a unit, such as 30s or 5m"
}

func (v durationValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v durationValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if d, err := time.ParseDuration(req.ConfigValue.ValueString()); err != nil || d <= 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Malformed duration",
			fmt.Sprintf("%q is not %s.", req.ConfigValue.ValueString(), v.Description(ctx)))
	}
}

// checkHost refuses a host of the other environment.
func checkHost(diags *diag.Diagnostics, environment *kustom.Environment, host types.String) {
	if environment == nil || host.IsNull() || host.IsUnknown() {
		return
	}
	if h := host.ValueString(); h != environment.Host() && h != environment.LegacyHost() {
		diags.AddAttributeError(path.Root("host"), "Host of another environment",
			fmt.Sprintf("%s does not belong to the provider's environment, %s, whose host is %s.", h, *environment, environment.Host()))
	}
}

// checkEnvironment refuses a merchant ID, or a username that begins with one, of the other
// environment. What is not known yet, and an ID that does not tell, is passed over.
func checkEnvironment(diags *diag.Diagnostics, at path.Path, environment *kustom.Environment, what string, id types.String) {
	if environment == nil || id.IsNull() || id.IsUnknown() {
		return
	}
	of, ok := environmentOf(id.ValueString())
	if !ok || of == *environment {
		return
	}
	diags.AddAttributeError(at, fmt.Sprintf("A %s of the %s environment", what, of),
		fmt.Sprintf("%s belongs to a %s of Kustom's %s environment, and the provider works in %s. Use a %s of %s, or set the "+
			"provider's environment.", id.ValueString(), what, of, *environment, what, *environment))
}

// environmentOf returns the environment of a merchant ID, or of a username that begins with one.
func environmentOf(id string) (e kustom.Environment, ok bool) {
	if store, ok := kustom.StoreOf(id); ok {
		id = store
	}
	merchantID, err := kustom.ParseMerchantID(id)
	if err != nil {
		return "", false
	}
	return merchantID.Environment()
}

func checkSecretAt(diags *diag.Diagnostics, at path.Path, environment *kustom.Environment, secret types.String) {
	if environment == nil || diags.HasError() || secret.IsNull() || secret.IsUnknown() {
		return
	}
	if of, _ := kustom.SecretEnvironment(secret.ValueString()); of != *environment {
		diags.AddAttributeError(at, "A secret of another environment",
			fmt.Sprintf("In the provider's environment, %s, secrets begin with %s. This one does not: it belongs to a key of "+
				"another environment.", *environment, environment.SecretPrefix(kustom.SecretKustom)))
	}
}

func validatePairAt(diags *diag.Diagnostics, id types.String, at path.Path, secret types.String) {
	switch {
	case swapped(id, secret):
		diags.AddAttributeError(path.Root("kustom_id"), "Kustom ID and Kustom Secret are swapped",
			"kustom_id holds a secret, or "+at.String()+" holds an ID. The ID begins with the merchant ID (M00123456-aB3dE), the "+
				"secret with kco_live_api_ or kco_test_api_.")
	case padded(id):
		addWhiteSpaceError(diags, path.Root("kustom_id"))
	case padded(secret):
		addWhiteSpaceError(diags, at)
	case known(id) && !isUsername(id.ValueString()):
		diags.AddAttributeError(path.Root("kustom_id"), "Malformed Kustom ID",
			"A Kustom ID is the username of an API key: the merchant ID, a hyphen and a few characters, such as M00123456-aB3dE.")
	case known(secret) && kustom.KindOf(secret.ValueString()) == kustom.SecretKlarna:
		diags.AddAttributeError(at, "A secret of Klarna's",
			"This is the secret of one of Klarna's API keys: it begins with klarna_. Klarna's hosts were switched off on 15 September 2026, and "+
				"Kustom does not accept its keys. Generate a key in Kustom Portal, and use its Key ID and its Password, which begins with kco_.")
	case known(secret) && kustom.KindOf(secret.ValueString()) != kustom.SecretKustom:
		diags.AddAttributeError(at, "Malformed Kustom Secret",
			"A Kustom Secret begins with kco_live_api_ or, in the playground, with kco_test_api_. "+lostSecret)
	}
}

// validateOptionalPair finds the mistakes in a pair that may be left out as a whole.
func validateOptionalPair(diags *diag.Diagnostics, id, secret types.String) {
	at := path.Root("kustom_secret")
	switch {
	case id.IsNull() && secret.IsNull():
	case secret.IsNull():
		diags.AddAttributeError(at, "No secret",
			"kustom_id is set, and kustom_secret has no value; they go together. If it comes from a kustom_api_key that was imported: nobody "+
				"can read the secret of a key that exists already.")
	case id.IsNull():
		diags.AddAttributeError(path.Root("kustom_id"), "No Kustom ID",
			"kustom_secret is set, and kustom_id has no value; they go together.")
	default:
		validatePairAt(diags, id, at, secret)
	}
}

// checkPair refuses a pair of the other environment.
func checkPair(diags *diag.Diagnostics, environment *kustom.Environment, id, secret types.String) {
	checkEnvironment(diags, path.Root("kustom_id"), environment, "key", id)
	checkSecretAt(diags, path.Root("kustom_secret"), environment, secret)
}

func addWhiteSpaceError(diags *diag.Diagnostics, at path.Path) {
	diags.AddAttributeError(at, "White space around the value",
		"The value of "+at.String()+" begins or ends with white space, which was probably copied along. Remove it.")
}

func padded(v types.String) bool {
	return known(v) && strings.TrimSpace(v.ValueString()) != v.ValueString()
}

func swapped(id, secret types.String) bool {
	return mayBeSecret(id.ValueString()) || isUsername(strings.TrimSpace(secret.ValueString()))
}
