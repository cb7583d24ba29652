package provider

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

const defaultRequestTimeout = 30 * time.Second

// providerModel is the provider block as written.
type providerModel struct {
	Environment   types.String `tfsdk:"environment"`
	PortalToken   types.String `tfsdk:"portal_token"`
	MystoreTokens types.Map    `tfsdk:"mystore_tokens"`

	MystoreTokensFile types.String `tfsdk:"mystore_tokens_file"`

	IgnoredShops   types.Set    `tfsdk:"ignored_shops"`
	PortalURL      types.String `tfsdk:"portal_url"`
	APIURL         types.String `tfsdk:"api_url"`
	MystoreURL     types.String `tfsdk:"mystore_url"`
	MaxRetries     types.Int64  `tfsdk:"max_retries"`
	RequestTimeout types.String `tfsdk:"request_timeout"`
	ProgressFile   types.String `tfsdk:"progress_file"`

	Browser *browserModel `tfsdk:"browser"`
}

// settings are the provider's resolved configuration: attribute, else environment variable, else default. A
// value that is unknown at plan is nil. It is an error only when it is needed.
type settings struct {
	environment *kustom.Environment
	portalToken secretValue
	// mystoreTokens has an element for every named shop.
	mystoreTokens map[string]secretValue
	// tokenSource is the argument or the environment variable that the tokens come from; empty if there are none.
	tokenSource  string
	unknownShops bool
	// ignoredShops are not asked before a key is deleted.
	ignoredShops   []string
	portalURL      *url.URL
	apiURL         *url.URL
	mystoreURL     *url.URL
	maxRetries     int
	requestTimeout time.Duration
	// progressFile is empty if there is none, or if it is not known yet.
	progressFile string
	// browser is nil if the vendors are reached only by their APIs.
	browser *browserSettings
}

// addSecretsTo adds the configured secrets to a redactor.
func (s settings) addSecretsTo(redactor *vendortext.Redactor) {
	redactor.AddSecrets(s.portalToken.value)
	for _, token := range s.mystoreTokens {
		redactor.AddSecrets(token.value)
	}
	if s.browser == nil {
		return
	}
	for _, login := range s.browser.logins {
		redactor.AddSecrets(login.Password, login.CodeSeed)
	}
}

// hasToken reports whether the configuration names a token for a shop, which may not be known yet.
func (s settings) hasToken(shop string) bool {
	_, ok := s.mystoreTokens[shop]
	return ok
}

// lacksDisplay reports whether the browser must show its windows to a person, for browser.attended or check --teach,
// and there is no screen.
func (s settings) lacksDisplay(o Options) bool {
	return s.browser != nil && (s.browser.options.Attended || s.browser.options.Taught != nil) && o.Attendant == nil && !browser.HasDisplay(o.Getenv)
}

// resolve returns the settings from a provider block and the environment.
func resolve(m providerModel, getenv func(string) string) (settings, []configProblem) {
	r := &resolver{getenv: getenv}
	s := settings{
		environment:    r.environment(m.Environment),
		portalToken:    r.secret(m.PortalToken, "portal_token", envPortalToken),
		maxRetries:     r.maxRetries(m.MaxRetries),
		requestTimeout: r.duration(m.RequestTimeout, "request_timeout", defaultRequestTimeout),
	}
	s.browser = r.browser(m.Browser, s.environment)
	s.tokenSource = r.tokenSource(m.MystoreTokens, m.MystoreTokensFile)
	s.mystoreTokens, s.unknownShops = r.tokens(m.MystoreTokens, m.MystoreTokensFile, s.tokenSource)
	s.ignoredShops = setOfStrings(m.IgnoredShops)
	s.progressFile, _ = r.text(m.ProgressFile, envProgressFile, "")
	var portalDefault, apiDefault string
	if s.environment != nil {
		portalDefault, apiDefault = s.environment.PortalURL(), s.environment.APIURL()
	}
	s.portalURL = r.url(m.PortalURL, "portal_url", envPortalURL, portalDefault)
	s.apiURL = r.url(m.APIURL, "api_url", envAPIURL, apiDefault)
	s.mystoreURL = r.url(m.MystoreURL, "mystore_url", envMystoreURL, mystore.URL)
	return s, r.problems
}

// environment returns Kustom's environment; nil if it is not known yet, or malformed.
func (r *resolver) environment(v types.String) *kustom.Environment {
	name, known := r.text(v, envEnvironment, string(kustom.Production))
	if !known {
		return nil
	}
	environment, err := kustom.ParseEnvironment(name)
	if err != nil {
		r.add("environment", unknownEnvironment(err.Error()))
		return nil
	}
	return &environment
}

// tokenSource returns the name of the first of the map, the file, and the two variables that is set; empty if none is.
func (r *resolver) tokenSource(v types.Map, file types.String) string {
	switch {
	case v.IsUnknown() || len(v.Elements()) > 0:
		return attributeTokens
	case file.IsUnknown() || file.ValueString() != "":
		return attributeTokensFile
	case r.getenv(envMystoreTokens) != "":
		return envMystoreTokens
	case r.getenv(envTokensFile) != "":
		return envTokensFile
	}
	return ""
}

// tokens returns the tokens from their source. They are unknown if the source is.
func (r *resolver) tokens(v types.Map, file types.String, source string) (tokens map[string]secretValue, unknown bool) {
	switch source {
	case attributeTokens:
		return r.tokensFromMap(v, file), v.IsUnknown()
	case attributeTokensFile:
		return r.tokensFromFile(file.ValueString(), source), file.IsUnknown()
	case envMystoreTokens:
		return r.tokensFromEnvironment(), false
	case envTokensFile:
		return r.tokensFromFile(r.getenv(envTokensFile), source), false
	}
	return nil, false
}

// tokensFromMap returns the tokens of mystore_tokens. A file of tokens beside it is an error.
func (r *resolver) tokensFromMap(v types.Map, file types.String) map[string]secretValue {
	if v.IsUnknown() {
		return nil
	}
	if file.ValueString() != "" {
		r.add(attributeTokensFile, twoTokenSources())
	}
	tokens := map[string]secretValue{}
	for shop, element := range v.Elements() {
		tokens[shop] = r.shopToken(attributeTokens, attributeTokens, shop, element)
	}
	return tokens
}

// tokensFromFile returns nil for an empty name, which is not known yet. It never quotes the file's content (I2).
func (r *resolver) tokensFromFile(name, source string) map[string]secretValue {
	const attribute = attributeTokensFile
	if name == "" {
		return nil
	}
	content, err := os.ReadFile(name) //nolint:gosec // Whoever writes the configuration chooses the file.
	if err != nil {
		r.add(attribute, tokensFileUnreadable(err.Error()))
		return nil
	}
	if info, err := os.Stat(name); err == nil && readableByOthers(info) {
		r.add(attribute, tokensFileReadableByOthers(name))
	}
	parsed, err := shoplist.ParseTokens(content)
	if err != nil {
		r.add(attribute, malformedTokensFile(name, err.Error()))
		return nil
	}
	tokens := make(map[string]secretValue, len(parsed))
	for shop, token := range parsed {
		tokens[shop] = r.shopToken(attribute, source, shop, types.StringValue(token))
	}
	return tokens
}

// readableByOthers reports whether users other than the owner may read a file. On Windows, the file's mode does
// not show that.
func readableByOthers(info fs.FileInfo) bool {
	const groupAndOthers = 0o044
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&groupAndOthers != 0
}

// shopToken returns one shop's token. Its problems are about attribute, and name its source.
func (r *resolver) shopToken(attribute, source, shop string, element attr.Value) secretValue {
	if !isShopName(shop) {
		// The name may be a token, because the two are easily swapped. So it is not quoted (I2).
		r.add(attribute, malformedShopName(source))
		return secretValue{}
	}
	text, isString := element.(types.String)
	if !isString || text.IsNull() || (!text.IsUnknown() && text.ValueString() == "") {
		r.add(attribute, emptyShopToken(shop))
		return secretValue{}
	}
	r.checkToken(attribute, fmt.Sprintf("The token of shop %q", shop), text.ValueString())
	return secretValue{value: text.ValueString(), unknown: text.IsUnknown()}
}

// tokensFromEnvironment never quotes the variable's content. Even if it is malformed, it probably holds tokens
// (I2).
func (r *resolver) tokensFromEnvironment() map[string]secretValue {
	var parsed map[string]string
	if err := json.Unmarshal([]byte(r.getenv(envMystoreTokens)), &parsed); err != nil || parsed == nil {
		r.add(attributeTokens, malformedTokensVariable())
		return nil
	}
	tokens := map[string]secretValue{}
	for shop, token := range parsed {
		tokens[shop] = r.shopToken(attributeTokens, envMystoreTokens, shop, types.StringValue(token))
	}
	return tokens
}

// maxRetries returns the number of retries, or the default if the number is missing or out of range.
func (r *resolver) maxRetries(v types.Int64) int {
	if v.IsNull() || v.IsUnknown() {
		return defaultMaxRetries
	}
	if n := v.ValueInt64(); n < 0 || n > maxRetriesLimit {
		r.add("max_retries", retriesOutOfRange(maxRetriesLimit))
		return defaultMaxRetries
	}
	return int(v.ValueInt64())
}
