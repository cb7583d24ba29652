// Package provider is the kustom Terraform provider: the only package that knows Terraform.
package provider

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

var (
	_ provider.ProviderWithListResources  = (*kustomProvider)(nil)
	_ provider.ProviderWithActions        = (*kustomProvider)(nil)
	_ provider.ProviderWithFunctions      = (*kustomProvider)(nil)
	_ provider.ProviderWithValidateConfig = (*kustomProvider)(nil)
)

type kustomProvider struct {
	options Options
	// engine belongs to the last configuration. A provider under a debugger serves several runs in turn.
	engine atomic.Pointer[rotation.Engine]
}

// New returns a function that creates the provider.
func New(o Options) func() provider.Provider {
	o = o.withDefaults()
	return func() provider.Provider {
		own := o
		own.redactor = vendortext.NewRedactor()
		return &kustomProvider{options: own}
	}
}

// NewServer returns the provider's server for Terraform: the framework's, with bounded reads, without panics, and
// with safe diagnostics. Unless logs are wanted, it releases the contexts of answered requests. Logs need them,
// because a prefetch logs through the context of its request, also after the answer.
func NewServer(p provider.Provider, logs bool) (tfprotov6.ProviderServer, error) {
	framework := providerserver.NewProtocol6(p)()
	server, ok := framework.(frameworkServer)
	if !ok {
		return nil, fmt.Errorf("serve the provider: a %T is not the expected server", framework)
	}
	var redactor *vendortext.Redactor
	var source clock.Clock = clock.System{}
	if own, ok := p.(*kustomProvider); ok {
		redactor, source = own.options.redactor, own.options.Clock
	}
	if !logs {
		server = contextReleasingServer{server}
	}
	return redactingServer{boundedServer{recoveringServer{server}, source}, redactor}, nil
}

func (p *kustomProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "kustom"
	resp.Version = p.options.Version
}

func (p *kustomProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Moves Mystore shops that take payments with *Klarna Checkout V3* from Klarna's API to " +
			"Kustom's, and manages their keys after that. It generates API keys in Kustom Portal, proves them, installs " +
			"them in the shops, and deletes the keys that they replace.",
		Attributes: map[string]schema.Attribute{
			"environment": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Kustom's environment: `production` (default) or `playground`. It selects the hosts " +
					"below, and the kind of keys that the provider accepts. Can also be set with `KUSTOM_ENVIRONMENT`.",
			},
			"portal_token": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "Access token of a Kustom Portal user who can see *Integrations* (an account " +
					"admin). Everything that manages API keys needs it, unless there is a `browser` block. May be an " +
					"ephemeral value. Can also be set with `KUSTOM_PORTAL_TOKEN`.",
			},
			"mystore_tokens": schema.MapAttribute{
				Optional: true, Sensitive: true, ElementType: types.StringType,
				MarkdownDescription: "Mystore access tokens: a map from shop name to that shop's token. You create a " +
					"token at `auth.mystore.no`. Name every shop whose key this configuration may delete. The provider " +
					"protects only the shops that it can ask, with a token here or with a `browser`. May hold ephemeral " +
					"values. Can also be set with `MYSTORE_TOKENS`, a JSON object.",
			},
			"mystore_tokens_file": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Path of a file with the Mystore access tokens, in place of `mystore_tokens`. The " +
					"file is a JSON object from shop name to token, or a CSV file with the columns `shop` and `token`, " +
					"as a spreadsheet saves it. Use it for hundreds of shops, because an environment variable has a size " +
					"limit. Keep the file outside the repository, and readable only by you. Can also be set with " +
					"`MYSTORE_TOKENS_FILE`. The provider takes all tokens from the first of these that is set: " +
					"`mystore_tokens` or `mystore_tokens_file` (you can't set both), `MYSTORE_TOKENS`, " +
					"`MYSTORE_TOKENS_FILE`.",
			},
			"ignored_shops": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Shops that the provider does not ask before it deletes a key, such as a closed " +
					"shop whose token no longer works. While the provider can't read a shop that is not in this set, it " +
					"deletes no key that the shop may use. **The provider may delete a key that an ignored shop still " +
					"uses.** Default: none.",
				Validators: []validator.Set{setvalidator.NoNullValues()},
			},
			"portal_url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Base URL of the portal's API, if it differs from the environment's. Must be " +
					"`https`, or `http` for a loopback address. Can also be set with `KUSTOM_PORTAL_URL`.",
			},
			"api_url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Base URL of Kustom's merchant API, if it differs from the environment's. Must be " +
					"`https`, or `http` for a loopback address. Can also be set with `KUSTOM_API_URL`.",
			},
			"mystore_url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Base URL of the Mystore API. Default: `https://api.mystore.no`. Must be `https`, " +
					"or `http` for a loopback address. Can also be set with `MYSTORE_URL`.",
			},
			"max_retries": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "The maximum number of retries of a request that is safe to repeat: 0 to 20, default 4.",
			},
			"request_timeout": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The maximum time of one request, as a duration such as `30s` (default) or `1m30s`. " +
					"Kustom's own limit is 30 seconds.",
			},
			"progress_file": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Path of a file to which the provider appends a line of JSON for each shop and " +
					"step. A line has the time, run, shop, store, step, the key's username, the outcome and any error. " +
					"It holds no secret. Use the file to follow a long apply (`terraform-provider-kustom report --follow " +
					"FILE`) and as an audit log. The provider creates the file, readable only by you, and never shortens " +
					"or removes it. Several runs may share one file. If the provider can't write the file at the start, " +
					"it stops before it plans or changes anything. If it can't write the file later, it warns and " +
					"continues. Default: no file. Can also be set with `KUSTOM_PROGRESS_FILE`.",
			},
		},
		Blocks: map[string]schema.Block{"browser": browserBlock()},
	}
}

func (p *kustomProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	settings, problems := resolve(model, p.options.Getenv)
	addProblems(problems, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if settings.lacksDisplay(p.options) {
		noScreen().addTo(&resp.Diagnostics, path.Root("browser").AtName("attended"))
		return
	}
	options := p.options
	if options.journal = openProgress(settings.progressFile, options.redactor, &resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	b := newBackend(settings, options)
	b.warnOfRoot(browser.Unsandboxed(), &resp.Diagnostics)
	p.engine.Store(b.engine)
	resp.ResourceData = b
	resp.DataSourceData = b
	resp.ListResourceData = b
	resp.ActionData = b
}

// ValidateConfig checks the arguments before anything is planned. The environment variables and the file of
// tokens are read when the provider is configured.
func (p *kustomProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if engine := p.engine.Load(); engine != nil {
		engine.ForgetClaims()
	}
	if len(model.MystoreTokens.Elements()) == 0 {
		model.MystoreTokensFile = types.StringUnknown()
	}
	_, problems := resolve(model, func(string) string { return "" })
	addProblems(problems, &resp.Diagnostics)
}

// openProgress opens the progress file; nil if none is configured. If the file can't be written, it fails now,
// before anything is changed. A user who wants an audit log must not learn after the roll-out that there is
// none.
func openProgress(name string, redactor *vendortext.Redactor, diags *diag.Diagnostics) rotation.Journal {
	if name == "" {
		return nil
	}
	file, err := progress.Open(name, redactor)
	if err != nil {
		progressFileUnwritable(err.Error()).addTo(diags, path.Root("progress_file"))
		return nil
	}
	return file
}

func (p *kustomProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newAPIKeyResource,
		newAPIKeysExclusiveResource,
		newCheckoutCredentialsResource,
		newConnectionResource,
		newFleetResource,
	}
}

func (p *kustomProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newLegacyIntegrationsDataSource,
		newAPIKeysDataSource,
		newEndpointStatusDataSource,
		newStoresDataSource,
		newSupportBundleDataSource,
	}
}

func (p *kustomProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{
		newVerifyCredentialsAction,
		newCreateTestOrderAction,
	}
}

func (p *kustomProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newShopListFunction}
}

// ListResources returns the resources that terraform query can list.
func (p *kustomProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{
		newAPIKeyListResource,
		newCheckoutCredentialsListResource,
	}
}
