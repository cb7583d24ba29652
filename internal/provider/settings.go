package provider

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	envEnvironment   = "KUSTOM_ENVIRONMENT"
	envPortalToken   = "KUSTOM_PORTAL_TOKEN"
	envMystoreTokens = "MYSTORE_TOKENS"
	envPortalURL     = "KUSTOM_PORTAL_URL"
	envAPIURL        = "KUSTOM_API_URL"
	envMystoreURL    = "MYSTORE_URL"

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
	// browser is nil where the vendors are only reached by their APIs.
	browser *browserSettings
}

// secretValue is a secret that may be missing, or not known yet.
type secretValue struct {
	value   string
	unknown bool
}

// configProblem is a refusal of one attribute's value.
type configProblem struct{ attribute, summary, detail string }

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
	r.problems = append(r.problems, configProblem{attribute, summary, detail})
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
	s.mystoreTokens, s.unknownShops = r.tokens(m.MystoreTokens)
	s.ignoredShops = setOfStrings(m.IgnoredShops)
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
	}
	return secretValue{value: value, unknown: !known}
}

func (r *resolver) tokens(v types.Map) (tokens map[string]secretValue, unknown bool) {
	if v.IsUnknown() {
		return nil, true
	}
	if len(v.Elements()) == 0 {
		return r.tokensFromEnvironment(), false
	}
	tokens = map[string]secretValue{}
	for shop, element := range v.Elements() {
		tokens[shop] = r.shopToken(shop, element)
	}
	return tokens, false
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

func (r *resolver) shopToken(shop string, element attr.Value) secretValue {
	if !isShopName(shop) {
		// It may be a token: the two are easily swapped. So it is not quoted (I2).
		r.refuse("mystore_tokens", "Malformed shop name",
			"mystore_tokens has a key that is no shop's name, which consists of letters, digits and hyphens. It is not shown here, "+
				"because it may be a token: the map goes from shop name to token, not the other way round.")
		return secretValue{}
	}
	text, isString := element.(types.String)
	if !isString || text.IsNull() || (!text.IsUnknown() && text.ValueString() == "") {
		r.refuse("mystore_tokens", "Empty Mystore token", fmt.Sprintf("The token of shop %q is empty.", shop))
		return secretValue{}
	}
	if strings.TrimSpace(text.ValueString()) != text.ValueString() {
		r.refuse("mystore_tokens", "White space around a token",
			fmt.Sprintf("The token of shop %q begins or ends with white space, which is never part of a token. "+
				"It was probably copied along.", shop))
	}
	return secretValue{value: text.ValueString(), unknown: text.IsUnknown()}
}

// tokensFromEnvironment never quotes the variable's content: whatever is wrong with it, it probably
// holds tokens (I2).
func (r *resolver) tokensFromEnvironment() map[string]secretValue {
	raw := r.getenv(envMystoreTokens)
	if raw == "" {
		return nil
	}
	var parsed map[string]string
	if err := json.Unmarshal([]byte(raw), &parsed); err != nil || parsed == nil {
		r.refuse("mystore_tokens", "Malformed "+envMystoreTokens,
			fmt.Sprintf("The environment variable %s is not a JSON object from shop name to token, such as "+
				`{"my-shop": "token"}. Its content is not shown here, because it may hold tokens.`, envMystoreTokens))
		return nil
	}
	tokens := map[string]secretValue{}
	for shop, token := range parsed {
		tokens[shop] = r.shopToken(shop, types.StringValue(token))
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
