package provider

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

const (
	envEnvironment   = "KUSTOM_ENVIRONMENT"
	envPortalToken   = "KUSTOM_PORTAL_TOKEN"
	envMystoreTokens = "MYSTORE_TOKENS"
	envTokensFile    = "MYSTORE_TOKENS_FILE"
	envPortalURL     = "KUSTOM_PORTAL_URL"
	envAPIURL        = "KUSTOM_API_URL"
	envMystoreURL    = "MYSTORE_URL"
	envProgressFile  = "KUSTOM_PROGRESS_FILE"

	defaultMaxRetries     = 4
	mostRetries           = 20
	defaultRequestTimeout = 30 * time.Second
)

// providerModel is the provider block as it is written.
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

// settings are the provider's configuration, resolved: attribute, else environment variable, else
// default. What is not known while planning is nil and is demanded only by what needs it.
type settings struct {
	environment *kustom.Environment
	portalToken secretValue
	// mystoreTokens holds an element for every shop that is named.
	mystoreTokens map[string]secretValue
	unknownShops  bool
	// ignoredShops are not asked before a key is deleted.
	ignoredShops   []string
	portalURL      *url.URL
	apiURL         *url.URL
	mystoreURL     *url.URL
	maxRetries     int
	requestTimeout time.Duration
	// progressFile is empty where there is none, or where it is not known yet which.
	progressFile string
	// browser is nil where the vendors are only reached by their APIs.
	browser *browserSettings
}

// teach tells a redactor of the secrets that are configured.
func (s settings) teach(redactor *vendortext.Redactor) {
	redactor.Learn(s.portalToken.value)
	for _, token := range s.mystoreTokens {
		redactor.Learn(token.value)
	}
	if s.browser == nil {
		return
	}
	for _, login := range s.browser.logins {
		redactor.Learn(login.Password, login.CodeSeed)
	}
}

// isWithoutDisplay tells whether a person is to attend or to teach who can't see anything.
func (s settings) isWithoutDisplay(o Options) bool {
	return s.browser != nil && (s.browser.options.Attended || s.browser.options.Taught != nil) && o.Attendant == nil && !browser.HasDisplay(o.Getenv)
}

// resolve returns the settings that a provider block and the environment make together.
func resolve(m providerModel, getenv func(string) string) (settings, []configProblem) {
	r := &resolver{getenv: getenv}
	s := settings{
		environment:    r.environment(m.Environment),
		portalToken:    r.secret(m.PortalToken, "portal_token", envPortalToken),
		maxRetries:     r.maxRetries(m.MaxRetries),
		requestTimeout: r.duration(m.RequestTimeout, "request_timeout", defaultRequestTimeout),
	}
	s.browser = r.browser(m.Browser, s.environment)
	s.mystoreTokens, s.unknownShops = r.tokens(m.MystoreTokens, m.MystoreTokensFile)
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

func (r *resolver) environment(v types.String) *kustom.Environment {
	name, known := r.text(v, envEnvironment, string(kustom.Production))
	if !known {
		return nil
	}
	environment, err := kustom.ParseEnvironment(name)
	if err != nil {
		r.refuse("environment", "Unknown environment",
			fmt.Sprintf("The environment %v. Set environment, or the variable %s, to one of the two.", err, envEnvironment))
		return nil
	}
	return &environment
}

// tokens returns the first that there is of the map, the file, and the variables of the two.
func (r *resolver) tokens(v types.Map, file types.String) (tokens map[string]secretValue, unknown bool) {
	if v.IsUnknown() {
		return nil, true
	}
	if len(v.Elements()) > 0 {
		if file.ValueString() != "" {
			r.refuse("mystore_tokens_file", "Two sources of Mystore tokens",
				"mystore_tokens and mystore_tokens_file are both set. Set one of them: the shops that only the other one names would not be protected.")
		}
		tokens = map[string]secretValue{}
		for shop, element := range v.Elements() {
			tokens[shop] = r.shopToken("mystore_tokens", shop, element)
		}
		return tokens, false
	}
	if file.ValueString() == "" && !file.IsUnknown() && r.getenv(envMystoreTokens) != "" {
		return r.tokensFromEnvironment(), false
	}
	name, known := r.text(file, envTokensFile, "")
	if !known || name == "" {
		return nil, !known
	}
	return r.tokensFromFile(name), false
}

// tokensFromFile never quotes the file's content (I2).
func (r *resolver) tokensFromFile(name string) map[string]secretValue {
	const attribute = "mystore_tokens_file"
	content, err := os.ReadFile(name) //nolint:gosec // Whoever writes the configuration chooses the file.
	if err != nil {
		r.refuse(attribute, "File of Mystore tokens not read",
			fmt.Sprintf("The provider can't read the file in %s (or %s): %v. A relative path begins at the working directory.", attribute, envTokensFile, err))
		return nil
	}
	if info, err := os.Stat(name); err == nil && readableByOthers(info) {
		r.cautionAbout(attribute, "File of Mystore tokens is readable by others",
			fmt.Sprintf("Other users of this machine can read %s, which has the tokens of all shops. Take the right from them: chmod 600 %s", name, name))
	}
	parsed, err := shoplist.ParseTokens(content)
	if err != nil {
		r.refuse(attribute, "Malformed file of Mystore tokens",
			fmt.Sprintf("The file in %s (or %s) must be a JSON object from shop to token, or a CSV file with the columns shop and token. "+
				"%s is neither:\n%v", attribute, envTokensFile, name, err))
		return nil
	}
	tokens := make(map[string]secretValue, len(parsed))
	for shop, token := range parsed {
		tokens[shop] = r.shopToken(attribute, shop, types.StringValue(token))
	}
	return tokens
}

// readableByOthers tells whether others than its owner may read a file. Windows doesn't say so in a mode.
func readableByOthers(info fs.FileInfo) bool {
	const groupAndOthers = 0o044
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&groupAndOthers != 0
}

// shopToken returns one shop's token, from a map or a file that attribute names.
func (r *resolver) shopToken(attribute, shop string, element attr.Value) secretValue {
	if !isShopName(shop) {
		// It may be a token: the two are easily swapped. So it is not quoted (I2).
		r.refuse(attribute, "Malformed shop name",
			attribute+" has a key that is no shop's name, which consists of letters, digits and hyphens. It is not shown here, "+
				"because it may be a token: the map goes from shop name to token, not the other way round. White space is no part of a name.")
		return secretValue{}
	}
	text, isString := element.(types.String)
	if !isString || text.IsNull() || (!text.IsUnknown() && text.ValueString() == "") {
		r.refuse(attribute, "Empty Mystore token", fmt.Sprintf("The token of shop %q is empty.", shop))
		return secretValue{}
	}
	if strings.TrimSpace(text.ValueString()) != text.ValueString() {
		r.refuse(attribute, "White space around a token",
			fmt.Sprintf("The token of shop %q begins or ends with white space, which is never part of a token. "+
				"It was probably copied along.", shop))
	} else if fault := tokenFault(text.ValueString()); fault != "" {
		r.refuse(attribute, "Malformed token", fmt.Sprintf("The token of shop %q %s", shop, fault))
	}
	return secretValue{value: text.ValueString(), unknown: text.IsUnknown()}
}

// tokensFromEnvironment never quotes the variable's content: whatever is wrong with it, it probably
// holds tokens (I2).
func (r *resolver) tokensFromEnvironment() map[string]secretValue {
	var parsed map[string]string
	if err := json.Unmarshal([]byte(r.getenv(envMystoreTokens)), &parsed); err != nil || parsed == nil {
		r.refuse("mystore_tokens", "Malformed "+envMystoreTokens,
			fmt.Sprintf("The environment variable %s is not a JSON object from shop name to token, such as "+
				`{"my-shop": "token"}. Its content is not shown here, because it may hold tokens.`, envMystoreTokens))
		return nil
	}
	tokens := map[string]secretValue{}
	for shop, token := range parsed {
		tokens[shop] = r.shopToken("mystore_tokens", shop, types.StringValue(token))
	}
	return tokens
}

func (r *resolver) maxRetries(v types.Int64) int {
	if v.IsNull() || v.IsUnknown() {
		return defaultMaxRetries
	}
	if n := v.ValueInt64(); n < 0 || n > mostRetries {
		r.refuse("max_retries", "Number of retries out of range",
			"max_retries must be between 0 and "+strconv.Itoa(mostRetries)+".")
		return defaultMaxRetries
	}
	return int(v.ValueInt64())
}
