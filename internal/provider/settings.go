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
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
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

// secretValue is a secret that may be missing, or not known yet.
type secretValue struct {
	value   string
	unknown bool
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

// configProblem is a refusal of one attribute's value, or a warning of it.
type configProblem struct {
	attribute, summary, detail string
	warning                    bool
}

// addProblems reports what is wrong with the provider's arguments.
func addProblems(problems []configProblem, diags *diag.Diagnostics) {
	for _, p := range problems {
		if p.warning {
			diags.AddAttributeWarning(p.path(), p.summary, p.detail)
			continue
		}
		diags.AddAttributeError(p.path(), p.summary, p.detail)
	}
}

// path returns where the attribute is, which may be in a block.
func (p configProblem) path() path.Path {
	block, attribute, inBlock := strings.Cut(p.attribute, ".")
	if !inBlock {
		return path.Root(p.attribute)
	}
	return path.Root(block).AtName(attribute)
}

// resolver collects problems while it resolves one attribute after the other.
type resolver struct {
	getenv   func(string) string
	problems []configProblem
}

func (r *resolver) refuse(attribute, summary, detail string) {
	r.problems = append(r.problems, configProblem{attribute: attribute, summary: summary, detail: detail})
}

func (r *resolver) cautionAbout(attribute, summary, detail string) {
	r.problems = append(r.problems, configProblem{attribute: attribute, summary: summary, detail: detail, warning: true})
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

// text returns an attribute's value, else the variable's, else fallback. It is not known where the
// attribute is not.
func (r *resolver) text(v types.String, variable, fallback string) (value string, known bool) {
	switch {
	case v.IsUnknown():
		return "", false
	case v.ValueString() != "":
		return v.ValueString(), true
	}
	if value := r.getenv(variable); value != "" {
		return value, true
	}
	return fallback, true
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

func (r *resolver) secret(v types.String, attribute, variable string) secretValue {
	value, known := r.text(v, variable, "")
	if strings.TrimSpace(value) != value {
		r.refuse(attribute, "White space around a token",
			fmt.Sprintf("The value of %s (or %s) begins or ends with white space, which is never part of a token. "+
				"It was probably copied along.", attribute, variable))
	} else if fault := tokenFault(value); fault != "" {
		r.refuse(attribute, "Malformed token", fmt.Sprintf("The value of %s (or %s) %s", attribute, variable, fault))
	}
	return secretValue{value: value, unknown: !known}
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

// tokenFault says what is wrong with a token that was copied with something around it or in it; empty
// where nothing is. It does not quote the token (I2).
func tokenFault(token string) string {
	const scheme = "bearer "
	quotes := func(r rune) bool { return strings.ContainsRune("\"'`“”„‘’«»", r) }
	switch {
	case strings.ContainsRune(token, '\uFEFF'):
		return "has a byte order mark in it, which can't be seen. Copy the token again, or save its file as UTF-8 without a byte order mark."
	case len(token) > len(scheme) && strings.EqualFold(token[:len(scheme)], scheme):
		return "begins with Bearer. Leave that word out: the provider adds it."
	case strings.TrimFunc(token, quotes) != token:
		return "has quotation marks around it. Leave them out."
	case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "has a line break or other white space in it, which is never part of a token. It was probably wrapped where it was copied from."
	}
	return ""
}

// setOfStrings returns the known elements of a set.
func setOfStrings(set types.Set) []string {
	var values []string
	for _, element := range set.Elements() {
		if text, ok := element.(types.String); ok && known(text) {
			values = append(values, text.ValueString())
		}
	}
	return values
}

func isShopName(text string) bool { return shoplist.IsName(text) }

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

// url returns nil where the address, or the environment that decides it, is not known yet.
func (r *resolver) url(v types.String, attribute, variable, fallback string) *url.URL {
	value, known := r.text(v, variable, fallback)
	if !known || value == "" {
		return nil
	}
	parsed, err := url.Parse(value)
	switch {
	case err != nil || parsed.Host == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		r.refuse(attribute, "Malformed URL",
			fmt.Sprintf("%s (or %s) must be an absolute https URL, such as https://api.example.com/v1.", attribute, variable))
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		r.refuse(attribute, "Malformed URL",
			fmt.Sprintf("%s (or %s) must not have a user name, a query or a fragment.", attribute, variable))
	case parsed.Scheme == "http" && !transport.IsLoopback(parsed.Hostname()):
		r.refuse(attribute, "Insecure URL",
			fmt.Sprintf("%s (or %s) begins with http://, over which tokens and secrets could be read on their way. "+
				"Use https:// (http:// is accepted for a loopback address only).", attribute, variable))
	default:
		return parsed
	}
	return nil
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

func (r *resolver) duration(v types.String, attribute string, fallback time.Duration) time.Duration {
	if v.ValueString() == "" {
		return fallback
	}
	timeout, err := time.ParseDuration(v.ValueString())
	if err != nil || timeout <= 0 {
		r.refuse(attribute, "Malformed duration", attribute+` must be a positive duration with a unit, such as "30s" or "1m30s".`)
		return fallback
	}
	return timeout
}
