package provider

import (
	"context"
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
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// credentialIDPattern is not documented. It only distinguishes an ID from other text.
var credentialIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// mayBeSecret reports whether a text in place of an ID may be a secret, which must not be shown (I2).
func mayBeSecret(text string) bool { return kustom.MayHoldSecret(text) }

// withoutSecret returns a vendor's text, or what stands for it if it may be a secret (I2). Nil is null.
func withoutSecret(text *string) types.String {
	if text != nil && mayBeSecret(*text) {
		return types.StringValue(rotation.SecretAsID)
	}
	return types.StringPointerValue(text)
}

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
	malformedMerchantID(quoteUnlessSecret(req.ConfigValue.ValueString())).addTo(&resp.Diagnostics, req.Path)
}

// quoteUnlessSecret quotes a text unless it may be a secret (I2).
func quoteUnlessSecret(text string) string {
	if mayBeSecret(text) {
		return "The value (not shown, because it may be a secret)"
	}
	return strconv.Quote(text)
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

// ValidateString does not quote the value, which may be a secret in place of an ID (I2).
func (credentialIDValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || isCredentialID(req.ConfigValue.ValueString()) {
		return
	}
	malformedKeyID().addTo(&resp.Diagnostics, req.Path)
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
	malformedDescription(v.Description(ctx)).addTo(&resp.Diagnostics, req.Path)
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
	unknownHost(v.Description(ctx), strconv.Quote(req.ConfigValue.ValueString())).addTo(&resp.Diagnostics, req.Path)
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
		malformedTime(strconv.Quote(req.ConfigValue.ValueString())).addTo(&resp.Diagnostics, req.Path)
	}
}

type durationValidator struct{}

func (durationValidator) Description(context.Context) string {
	return durationForm
}

func (v durationValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v durationValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if d, err := time.ParseDuration(req.ConfigValue.ValueString()); err != nil || d <= 0 {
		malformedDuration(strconv.Quote(req.ConfigValue.ValueString()), v.Description(ctx)).addTo(&resp.Diagnostics, req.Path)
	}
}

// checkHost rejects a host of the other environment.
func checkHost(diags *diag.Diagnostics, environment *kustom.Environment, host types.String) {
	if environment == nil || host.IsNull() || host.IsUnknown() {
		return
	}
	if h := host.ValueString(); h != environment.Host() && h != environment.LegacyHost() {
		hostOfAnotherEnvironment(h, string(*environment), environment.Host()).addTo(diags, path.Root("host"))
	}
}

// checkEnvironment rejects a merchant ID, or a username that begins with one, of the other environment. It
// ignores unknown values and IDs without an environment.
func checkEnvironment(diags *diag.Diagnostics, at path.Path, environment *kustom.Environment, what string, id types.String) {
	if environment == nil || id.IsNull() || id.IsUnknown() {
		return
	}
	of, ok := environmentOf(id.ValueString())
	if !ok || of == *environment {
		return
	}
	idOfAnotherEnvironment(what, id.ValueString(), string(of), string(*environment)).addTo(diags, at)
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

// checkSecretAt rejects a secret of the other environment.
func checkSecretAt(diags *diag.Diagnostics, at path.Path, environment *kustom.Environment, secret types.String) {
	if environment == nil || diags.HasError() || secret.IsNull() || secret.IsUnknown() {
		return
	}
	if of, _ := kustom.SecretEnvironment(secret.ValueString()); of != *environment {
		secretOfAnotherEnvironment(string(*environment), environment.SecretPrefix(kustom.SecretKustom)).addTo(diags, at)
	}
}

// validatePairAt reports the first visible mistake of a pair. No message quotes a possible secret (I2).
func validatePairAt(diags *diag.Diagnostics, id types.String, at path.Path, secret types.String) {
	switch {
	case swapped(id, secret):
		swappedPair(at.String()).addTo(diags, path.Root("kustom_id"))
	case padded(id):
		paddedValue("kustom_id").addTo(diags, path.Root("kustom_id"))
	case padded(secret):
		paddedValue(at.String()).addTo(diags, at)
	case known(id) && !isUsername(id.ValueString()):
		malformedKustomID().addTo(diags, path.Root("kustom_id"))
	case known(secret) && kustom.KindOf(secret.ValueString()) == kustom.SecretKlarna:
		klarnasSecret().addTo(diags, at)
	case known(secret) && kustom.KindOf(secret.ValueString()) != kustom.SecretKustom:
		malformedSecret().addTo(diags, at)
	}
}

// validateOptionalPair checks a pair that may be left out as a whole.
func validateOptionalPair(diags *diag.Diagnostics, id, secret types.String) {
	at := path.Root("kustom_secret")
	switch {
	case id.IsNull() && secret.IsNull():
	case secret.IsNull():
		secretMissing("kustom_id is set, but kustom_secret has no value.").addTo(diags, at)
	case id.IsNull():
		kustomIDMissing().addTo(diags, path.Root("kustom_id"))
	default:
		validatePairAt(diags, id, at, secret)
	}
}

// checkPair rejects a pair of the other environment.
func checkPair(diags *diag.Diagnostics, environment *kustom.Environment, id, secret types.String) {
	checkEnvironment(diags, path.Root("kustom_id"), environment, "key", id)
	checkSecretAt(diags, path.Root("kustom_secret"), environment, secret)
}

// padded reports whether there are spaces around a known value.
func padded(v types.String) bool {
	return known(v) && strings.TrimSpace(v.ValueString()) != v.ValueString()
}

// swapped reports whether ID and secret seem to be in the place of each other.
func swapped(id, secret types.String) bool {
	return mayBeSecret(id.ValueString()) || isUsername(strings.TrimSpace(secret.ValueString()))
}
