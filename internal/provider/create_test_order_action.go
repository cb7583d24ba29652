package provider

import (
	"context"
	"net/url"
	"regexp"
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
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

var (
	_ action.ActionWithConfigure      = (*createTestOrderAction)(nil)
	_ action.ActionWithValidateConfig = (*createTestOrderAction)(nil)
	_ action.ActionWithModifyPlan     = (*createTestOrderAction)(nil)
)

type createTestOrderAction struct{ configuredAction }

func newCreateTestOrderAction() action.Action { return &createTestOrderAction{} }

type createTestOrderModel struct {
	KustomID        types.String `tfsdk:"kustom_id"`
	Secret          types.String `tfsdk:"kustom_secret"`
	ShopURL         types.String `tfsdk:"shop_url"`
	Country         types.String `tfsdk:"country"`
	Currency        types.String `tfsdk:"currency"`
	Locale          types.String `tfsdk:"locale"`
	AllowProduction types.Bool   `tfsdk:"allow_production"`
	Timeout         types.String `tfsdk:"timeout"`
}

const (
	defaultCountry  = "NO"
	defaultCurrency = "NOK"
	defaultLocale   = "nb-NO"
)

var (
	countryPattern  = regexp.MustCompile(`^[A-Z]{2}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
	localePattern   = regexp.MustCompile(`^[a-z]{2}-[A-Z]{2}$`)
)

func (a *createTestOrderAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_create_test_order"
}

func (a *createTestOrderAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	secret := pairSecretAttribute()
	secret.Optional, secret.Required = false, true
	resp.Schema = schema.Schema{
		MarkdownDescription: "Begins a checkout with a Kustom ID and its secret, as a shop does when a customer opens its " +
			"checkout. It never completes the checkout. Needs Terraform 1.14 or later.\n\n" +
			"It creates a checkout session of 100.00 at Kustom's merchant API and names its order ID. No customer sees " +
			"the session, so nobody is charged. It shows that the credentials work, and that the store is set up for the " +
			"country and the currency. It does not show that the shop works. To see that, place an order in the shop.\n\n" +
			"Kustom documents no safe way to repeat the request. The provider repeats it only if the first request " +
			"certainly created no session. Each run of the action creates a session.",
		Attributes: map[string]schema.Attribute{
			"kustom_id": schema.StringAttribute{
				Required: true, MarkdownDescription: "*Kustom ID*: the username of an API key, such as `PM00123456-aB3dE`.",
			},
			"kustom_secret": secret,
			"shop_url": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Address of the shop, such as `https://butikk.example`. Kustom requires the `https` " +
					"addresses of some of the shop's pages. The provider derives them from this address. Nobody opens " +
					"them.",
				Validators: []validator.String{shopURLValidator{}},
			},
			"country": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Country of the purchase: two letters of ISO 3166. The store must " +
					"be set up for it. Default `NO`.",
				Validators: []validator.String{stringvalidator.RegexMatches(countryPattern, "must be two capital letters, such as NO")},
			},
			"currency": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Currency of the purchase: three letters of ISO 4217. It must be " +
					"the store's currency for that country. Default `NOK`.",
				Validators: []validator.String{stringvalidator.RegexMatches(currencyPattern, "must be three capital letters, such as NOK")},
			},
			"locale": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Language and region of the customer. Default `nb-NO`.",
				Validators: []validator.String{stringvalidator.RegexMatches(localePattern, "must have the form of nb-NO")},
			},
			"allow_production": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether the action may create the session in the `production` environment, where " +
					"it counts among the store's real sessions. Default `false`: the action fails in that environment.",
			},
			"timeout": timeoutAttribute(),
		},
	}
}

func (a *createTestOrderAction) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse) {
	config := load[createTestOrderModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	validateOptionalPair(&resp.Diagnostics, config.KustomID, config.Secret)
}

// ModifyPlan rejects production, and a pair of the other environment, before anything is applied.
func (a *createTestOrderAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	config := load[createTestOrderModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	a.check(config, &resp.Diagnostics)
}

func (a *createTestOrderAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	defer recoverInto(&resp.Diagnostics)
	config := load[createTestOrderModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	// Values that were unknown at plan have not been checked yet.
	validateOptionalPair(&resp.Diagnostics, config.KustomID, config.Secret)
	a.check(config, &resp.Diagnostics)
	if a.environment == nil {
		report(&resp.Diagnostics, path.Empty(), testOrderNotMade(), &unknownError{attribute: "environment"})
	}
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, a.clock, timeoutOf(config.Timeout))
	defer cancel()
	p := actionProgress(resp.SendProgress)
	order := config.order()
	p.say("Creating a checkout session of 100.00 %s at Kustom's merchant API (%s) with %s. It is never completed.",
		order.PurchaseCurrency, *a.environment, config.KustomID.ValueString())
	created, err := a.create(p.observing(ctx), config, order)
	if err != nil {
		report(&resp.Diagnostics, path.Root("kustom_id"), testOrderNotMade(), &actionError{err})
		return
	}
	p.say("Kustom created the order %s (%s). The credentials work. Nobody is charged.", created.ID, created.Status)
}

func (a *createTestOrderAction) create(ctx context.Context, config createTestOrderModel, order kustom.Order) (kustom.CreatedOrder, error) {
	var created kustom.CreatedOrder
	defer a.engine.Shops.NoteOwnUse(config.KustomID.ValueString())
	err := a.engine.Shops.RetryWhilePropagating(ctx, func() error {
		var err error
		created, err = a.merchant.CreateOrder(ctx, config.KustomID.ValueString(), config.Secret.ValueString(), order)
		return err
	})
	if transport.IsUncertain(err) {
		err = &unclearOrderError{err}
	}
	return created, err
}

// check rejects a pair that contradicts the provider's environment.
func (a *createTestOrderAction) check(config createTestOrderModel, diags *diag.Diagnostics) {
	checkPair(diags, a.environment, config.KustomID, config.Secret)
	if a.environment == nil || *a.environment != kustom.Production || config.AllowProduction.IsUnknown() || config.AllowProduction.ValueBool() {
		return
	}
	orderInProduction().addTo(diags, path.Root("allow_production"))
}

// order is one item for 100.00 with 25 % tax. It is never paid.
func (m createTestOrderModel) order() kustom.Order {
	const amount, tax, rate = 10000, 2000, 2500
	shop := strings.TrimSuffix(m.ShopURL.ValueString(), "/")
	return kustom.Order{
		PurchaseCountry:  textOr(m.Country, defaultCountry),
		PurchaseCurrency: textOr(m.Currency, defaultCurrency),
		Locale:           textOr(m.Locale, defaultLocale),
		OrderAmount:      amount,
		OrderTaxAmount:   tax,
		OrderLines: []kustom.OrderLine{{
			Type: "digital", Name: "Test order, made by Terraform", Quantity: 1, QuantityUnit: "pcs",
			UnitPrice: amount, TaxRate: rate, TotalAmount: amount, TotalTaxAmount: tax,
		}},
		MerchantURLs: kustom.MerchantURLs{
			Terms:        shop + "/terms",
			Checkout:     shop + "/checkout?order_id={checkout.order.id}",
			Confirmation: shop + "/confirmation?order_id={checkout.order.id}",
			Push:         shop + "/push?order_id={checkout.order.id}",
		},
	}
}

func textOr(v types.String, fallback string) string {
	if v.IsNull() {
		return fallback
	}
	return v.ValueString()
}

type shopURLValidator struct{}

func (shopURLValidator) Description(context.Context) string {
	return shopURLForm
}

func (v shopURLValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v shopURLValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	u, err := url.Parse(req.ConfigValue.ValueString())
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		malformedShopURL(v.Description(ctx)).addTo(&resp.Diagnostics, req.Path)
	}
}
