package provider

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

var (
	_ datasource.DataSourceWithConfigure      = (*supportBundleDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*supportBundleDataSource)(nil)
)

type supportBundleDataSource struct{ configuredDataSource }

func newSupportBundleDataSource() datasource.DataSource { return &supportBundleDataSource{} }

type supportBundleModel struct {
	MerchantID types.String `tfsdk:"merchant_id"`
	Shop       types.String `tfsdk:"shop"`
	KustomID   types.String `tfsdk:"kustom_id"`
	Secret     types.String `tfsdk:"kustom_secret"`
	JSON       types.String `tfsdk:"json"`
	Markdown   types.String `tfsdk:"markdown"`
}

func (d *supportBundleDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_support_bundle"
}

func (d *supportBundleDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Collects the facts that Kustom's or Mystore's support needs about a store and its shop, in " +
			"place of screenshots. It has the endpoint switch status, the store's API keys and the shops that use them, " +
			"the key that the shop uses, and whether credentials work. It contains no secret.\n\n" +
			"If the provider can't read something, the bundle says so, with the correlation IDs of the failed requests. " +
			"The plan does not fail, because you need the bundle when something is wrong. The bundle does not hold the " +
			"time when it was read, so outputs change only when its content changes. But each proof and each failure has " +
			"a new correlation ID.\n\n" +
			"Unlike an action, a data source can write to an output or a file, with every Terraform and OpenTofu that " +
			"the provider supports.",
		Attributes: map[string]schema.Attribute{
			"merchant_id": schema.StringAttribute{
				Required: true, MarkdownDescription: "Merchant ID (MID) of the store.",
				Validators: []validator.String{merchantIDValidator{}},
			},
			"shop": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Name of the store's Mystore shop. Default: the bundle has no facts " +
					"about a shop.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"kustom_id": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "*Kustom ID* of credentials to prove against Kustom's merchant API. The provider proves " +
					"it once at each read. The portal may count the proof as a use of the key. Default: no proof.",
			},
			"kustom_secret": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "*Kustom Secret* of the key in `kustom_id`. The provider uses it for the proof " +
					"only. No state and no bundle contains it, so this attribute is null when you read it.",
			},
			"json": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The bundle as JSON, for programs.",
			},
			"markdown": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The bundle as Markdown, for people.",
			},
		},
	}
}

func (d *supportBundleDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	config := load[supportBundleModel](ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	validateOptionalPair(&resp.Diagnostics, config.KustomID, config.Secret)
}

func (d *supportBundleDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	model := load[supportBundleModel](ctx, req.Config, &resp.Diagnostics)
	checkEnvironment(&resp.Diagnostics, path.Root("merchant_id"), d.environment, "store", model.MerchantID)
	checkPair(&resp.Diagnostics, d.environment, model.KustomID, model.Secret)
	if resp.Diagnostics.HasError() {
		return
	}
	bundle, err := d.gather(ctx, model)
	if err != nil {
		report(&resp.Diagnostics, path.Empty(), supportBundleNotMade(), err)
		return
	}
	text, err := bundle.json()
	if err != nil {
		report(&resp.Diagnostics, path.Empty(), supportBundleNotMade(), err)
		return
	}
	model.JSON, model.Markdown = types.StringValue(text), types.StringValue(bundle.markdown())
	// A data source's state includes its arguments. This one is left out.
	model.Secret = types.StringNull()
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// gather reads all parts. It fails only if the result would be useless: a setting is not known yet, or the run
// was interrupted.
func (d *supportBundleDataSource) gather(ctx context.Context, m supportBundleModel) (supportBundle, error) {
	if d.environment == nil {
		return supportBundle{}, &unknownError{attribute: "environment"}
	}
	bundle := supportBundle{
		ProviderVersion: d.version, Environment: string(*d.environment), MerchantID: m.MerchantID.ValueString(),
		Failures: []bundleFailure{},
	}
	parts := []bundlePart{
		{"endpoint switch status", func(ctx context.Context) error { return d.readStatus(ctx, &bundle) }},
		{"API keys", func(ctx context.Context) error { return d.readKeys(ctx, &bundle) }},
		{"shops that use the keys", func(ctx context.Context) error { return d.readHolders(ctx, &bundle) }},
	}
	if !m.Shop.IsNull() {
		bundle.Shop = &bundleShop{Name: m.Shop.ValueString()}
		parts = append(parts,
			bundlePart{"Klarna Checkout V3 of the shop", func(ctx context.Context) error { return d.readExtension(ctx, bundle.Shop) }},
			bundlePart{"credentials of the shop", func(ctx context.Context) error { return d.readCredentials(ctx, bundle.Shop) }})
	}
	for _, part := range parts {
		if err := part.add(ctx, d.redactor, &bundle); err != nil {
			return supportBundle{}, err
		}
	}
	// The proof uses the key, so it comes last and does not affect the rest.
	if !m.KustomID.IsNull() {
		if err := d.prove(ctx, &bundle, m.KustomID.ValueString(), m.Secret.ValueString()); err != nil {
			return supportBundle{}, err
		}
	}
	return bundle, nil
}

// bundlePart is a part of a bundle with the function that reads it.
type bundlePart struct {
	name string
	read func(context.Context) error
}

// add reads the part and adds a failure to the bundle.
func (p bundlePart) add(ctx context.Context, redactor *vendortext.Redactor, bundle *supportBundle) error {
	var log requestLog
	err := p.read(withObserver(ctx, log.add))
	if fatal := unusable(ctx, err); fatal != nil {
		return fatal
	}
	if err != nil {
		bundle.Failures = append(bundle.Failures, bundleFailure{Part: p.name, Cause: redactor.ShowLines(vendortext.New(err.Error()), maxDetail), Calls: bundleCalls(log.failed())})
	}
	return nil
}

// unusable returns err or the error of ctx if there can be no bundle.
func unusable(ctx context.Context, err error) error {
	if isUnknown(err) {
		return err
	}
	return ctx.Err()
}

func (d *supportBundleDataSource) readStatus(ctx context.Context, bundle *supportBundle) error {
	status, err := d.portal.EndpointStatus(ctx, bundle.MerchantID)
	if err != nil {
		return err
	}
	bundle.EndpointStatus = &bundleStatus{ActionRequired: status.ActionRequired, Services: []bundleService{}}
	for _, s := range status.Services {
		bundle.EndpointStatus.Services = append(bundle.EndpointStatus.Services, bundleService{
			Service: *shown(d.redactor, &s.Service), Host: *shown(d.redactor, &s.Host), LastUsedAt: s.LastUsedAt, ActionRequired: shown(d.redactor, s.ActionRequired),
		})
	}
	return nil
}

func (d *supportBundleDataSource) readKeys(ctx context.Context, bundle *supportBundle) error {
	keys := []bundleKey{}
	for key, err := range d.engine.Keys.Keys(ctx, bundle.MerchantID) {
		if err != nil {
			return err
		}
		keys = append(keys, bundleKey{
			Username: key.Username, Host: *shown(d.redactor, &key.Host), Description: shown(d.redactor, key.Description),
			CreatedAt: key.CreatedAt, LastUsedAt: key.LastUsedAt, ExpiresAt: key.ExpiresAt,
		})
	}
	bundle.APIKeys = keys
	return nil
}

// readHolders comes after readKeys.
func (d *supportBundleDataSource) readHolders(ctx context.Context, bundle *supportBundle) error {
	if len(bundle.APIKeys) == 0 {
		return nil
	}
	holders, unread, err := d.engine.Shops.Holders(ctx)
	if err != nil {
		return err
	}
	for i, key := range bundle.APIKeys {
		bundle.APIKeys[i].MystoreShops = append([]string{}, holders[key.Username]...)
	}
	if len(unread) > 0 {
		return unread[0].Err
	}
	return nil
}

func (d *supportBundleDataSource) readExtension(ctx context.Context, shop *bundleShop) error {
	extension, err := d.mystore.Extension(ctx, shop.Name)
	if err != nil {
		return err
	}
	shop.Extension = &bundleExtension{Version: d.redactor.Show(vendortext.New(extension.Version)), Active: extension.Active}
	return nil
}

func (d *supportBundleDataSource) readCredentials(ctx context.Context, shop *bundleShop) error {
	holds, err := d.mystore.Credentials(ctx, shop.Name)
	var missing *mystore.NotInstalledError
	if errors.As(err, &missing) {
		// The extension's own part reports it.
		return nil
	}
	if err != nil {
		return err
	}
	shop.Credentials = &bundleCredentials{
		KustomID: heldID(holds.KustomID), SecretSet: secretSet(holds.Secret), UpdatedAt: nullWhenEmpty(holds.UpdatedAt).ValueStringPointer(),
	}
	return nil
}

// secretSet returns whether a shop has a secret; nil if that is not shown.
func secretSet(secret mystore.SecretState) *bool {
	if secret == mystore.SecretNotShown {
		return nil
	}
	set := secret == mystore.SecretSet
	return &set
}

const verdictAccepted = "accepted"

// prove tries once, so that a plan does not wait a minute for a refusal.
func (d *supportBundleDataSource) prove(ctx context.Context, bundle *supportBundle, username, secret string) error {
	var log requestLog
	defer d.engine.Shops.NoteOwnUse(username)
	err := d.merchant.Prove(withObserver(ctx, log.add), username, secret)
	if fatal := unusable(ctx, err); fatal != nil {
		return fatal
	}
	bundle.Proof = &bundleProof{KustomID: username, Verdict: verdictAccepted, Calls: bundleCalls(log.all())}
	var refused *kustom.ProofError
	if errors.As(err, &refused) {
		cause := d.redactor.ShowLines(vendortext.New(refused.Cause.Error()), maxDetail)
		bundle.Proof.Verdict, bundle.Proof.Cause = string(refused.Verdict), &cause
	}
	return nil
}

// requestLog collects requests. It is safe for concurrent use; its zero value is empty.
type requestLog struct {
	mu        sync.Mutex
	exchanges []transport.RequestRecord
}

func (l *requestLog) add(e transport.RequestRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchanges = append(l.exchanges, e)
}

func (l *requestLog) all() []transport.RequestRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.exchanges
}

func (l *requestLog) failed() []transport.RequestRecord {
	var failed []transport.RequestRecord
	for _, e := range l.all() {
		if e.Kind != "" {
			failed = append(failed, e)
		}
	}
	return failed
}
