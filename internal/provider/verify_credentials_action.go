package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var (
	_ action.ActionWithConfigure      = (*verifyCredentialsAction)(nil)
	_ action.ActionWithValidateConfig = (*verifyCredentialsAction)(nil)
	_ action.ActionWithModifyPlan     = (*verifyCredentialsAction)(nil)
)

type verifyCredentialsAction struct{ configuredAction }

func newVerifyCredentialsAction() action.Action { return &verifyCredentialsAction{} }

type verifyCredentialsModel struct {
	Shop     types.String `tfsdk:"shop"`
	KustomID types.String `tfsdk:"kustom_id"`
	Secret   types.String `tfsdk:"kustom_secret"`
	Timeout  types.String `tfsdk:"timeout"`
}

func (a *verifyCredentialsAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_verify_credentials"
}

func (a *verifyCredentialsAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Checks that a shop's credentials are right, and changes nothing. Needs Terraform 1.14 or " +
			"later.\n\n" +
			"With `shop`, it reads the shop's *Kustom ID*, and checks that this key exists in Kustom Portal and belongs " +
			"to Kustom's host. With `kustom_id` and `kustom_secret`, it proves these credentials against Kustom's merchant API, " +
			"and gives a new key a minute to propagate. With all three, it also checks that the shop uses this ID. It " +
			"can't prove a shop's credentials without the secret, and no one can read the secret from the shop.\n\n" +
			"A successful proof is a request to the new host. If it is the first one, *Action required* can disappear " +
			"from Kustom Portal for the checkout.",
		Attributes: map[string]schema.Attribute{
			"shop": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Name of the Mystore shop to check. The provider needs its token in " +
					"`mystore_tokens`, and a `portal_token`. Without them, it needs a `browser`.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"kustom_id": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "*Kustom ID* of the credentials to prove: the username of an API key, such as `M00123456-aB3dE`.",
			},
			"kustom_secret": pairSecretAttribute(),
			"timeout":       timeoutAttribute(),
		},
	}
}

func (a *verifyCredentialsAction) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse) {
	config := load[verifyCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	config.validate(&resp.Diagnostics)
}

// ModifyPlan rejects a pair of the other environment before anything is applied.
func (a *verifyCredentialsAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	config := load[verifyCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	checkPair(&resp.Diagnostics, a.environment, config.KustomID, config.Secret)
}

func (a *verifyCredentialsAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverInto(&resp.Diagnostics)
	config := load[verifyCredentialsModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	// Values that were unknown at plan have not been checked yet.
	config.validate(&resp.Diagnostics)
	checkPair(&resp.Diagnostics, a.environment, config.KustomID, config.Secret)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, a.clock, timeoutOf(config.Timeout))
	defer cancel()
	p := actionProgress(resp.SendProgress)
	ctx = p.observing(ctx)
	if !config.Shop.IsNull() {
		a.verifyShop(ctx, config, p, &resp.Diagnostics)
	}
	// One mistake does not hide another: the pair is checked even if the shop is wrong.
	if !config.KustomID.IsNull() && ctx.Err() == nil {
		a.verifyPair(ctx, config.pair(), p, &resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		p.say("All checks passed.")
	}
}

// verifyPair proves a pair at Kustom's merchant API.
func (a *verifyCredentialsAction) verifyPair(ctx context.Context, pair rotation.Pair, p actionProgress, diags *diag.Diagnostics) {
	p.say("Proving %s at Kustom's merchant API. The provider asks for an order that does not exist. A 404 means that the API accepts the credentials, "+
		"a 401 that it does not, or not yet. Then the provider sends invented credentials, which the API must reject.", pair.Username)
	if err := a.engine.Shops.Prove(ctx, pair); err != nil {
		report(diags, path.Root("kustom_id"), credentialsNotVerified(), &actionError{err})
		return
	}
	p.say("Kustom's merchant API accepts %s with its secret.", pair.Username)
}

// verifyShop checks a shop's credentials.
func (a *verifyCredentialsAction) verifyShop(ctx context.Context, config verifyCredentialsModel, p actionProgress, diags *diag.Diagnostics) {
	shop := config.Shop.ValueString()
	p.say("Reading what shop %s holds.", shop)
	// The engine caches what a shop holds. Somebody may have changed the shop since.
	holds, err := a.mystore.Credentials(ctx, shop)
	if mystore.IsNotShown(err) {
		warn(diags, path.Root("shop"), shopHidesKey(), err)
		return
	}
	if err != nil {
		report(diags, path.Root("shop"), credentialsNotVerified(), &actionError{err})
		return
	}
	if !checkHeld(diags, shop, holds) {
		return
	}
	since := ""
	if holds.UpdatedAt != "" {
		since = ", since " + holds.UpdatedAt
	}
	p.say("Shop %s holds %s%s.", shop, holds.KustomID, since)
	if id := config.KustomID.ValueString(); id != "" && id != holds.KustomID {
		shopHoldsAnotherID(shop, holds.KustomID, id).addTo(diags, path.Root("kustom_id"))
	}
	a.verifyKey(ctx, shop, holds.KustomID, p, diags)
}

// verifyKey checks a shop's key.
func (a *verifyCredentialsAction) verifyKey(ctx context.Context, shop, username string, p actionProgress, diags *diag.Diagnostics) {
	merchantID, _, _ := strings.Cut(username, "-")
	p.say("Looking for %s among the API keys of store %s in Kustom Portal.", username, merchantID)
	if a.environment == nil {
		report(diags, path.Empty(), credentialsNotVerified(), &unknownError{attribute: "environment"})
		return
	}
	for key, err := range a.engine.Keys.Keys(ctx, merchantID) {
		if err != nil {
			report(diags, path.Root("shop"), credentialsNotVerified(), &actionError{err})
			return
		}
		if key.Username == username {
			checkKeyHost(diags, shop, key, *a.environment)
			if key.Host == "" {
				p.say("%s exists.", username)
				return
			}
			p.say("%s exists, and belongs to %s.", username, key.Host)
			return
		}
	}
	shopsKeyDoesNotExist(shop, username, merchantID).addTo(diags, path.Root("shop"))
}

// checkHeld reports visible mistakes in a shop's credentials, and returns whether there are none. It does not
// quote a malformed ID, which may be a secret in the wrong field (I2).
func checkHeld(diags *diag.Diagnostics, shop string, holds mystore.Credentials) bool {
	at := path.Root("shop")
	switch {
	case holds.KustomID == "":
		shopWithoutCredentials(shop).addTo(diags, at)
	case !showsAsID(holds.KustomID):
		shopHoldsNoID(shop).addTo(diags, at)
	case holds.Secret == mystore.SecretMissing:
		shopWithoutSecret(shop, holds.KustomID).addTo(diags, at)
	}
	return !diags.HasError()
}

// checkKeyHost reports a key of another host, or one of Klarna's if the portal does not show hosts.
func checkKeyHost(diags *diag.Diagnostics, shop string, key kustom.Key, environment kustom.Environment) {
	host, why := key.Host, ""
	if host == "" {
		origin := key.Origin()
		if origin.Owner != kustom.OwnerKlarna {
			return
		}
		host, why = "Klarna's", " "+origin.Reason
	}
	if host == environment.Host() {
		return
	}
	shopsKeyOfAnotherHost(shop, key.Username, host, environment.Host(), why).addTo(diags, path.Root("shop"))
}

func (m verifyCredentialsModel) pair() rotation.Pair {
	return rotation.Pair{Username: m.KustomID.ValueString(), Secret: kustom.NewSecret(m.Secret.ValueString())}
}

// validate reports visible mistakes of the arguments.
func (m verifyCredentialsModel) validate(diags *diag.Diagnostics) {
	if m.Shop.IsNull() && m.KustomID.IsNull() && m.Secret.IsNull() {
		nothingToVerify().addTo(diags, path.Empty())
		return
	}
	validateOptionalPair(diags, m.KustomID, m.Secret)
}
