package provider

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// secretValue is a secret that may be missing or not known yet. The zero value is a missing one.
type secretValue struct {
	value   string
	unknown bool
}

// isSet reports whether the user has set the secret. Its value may not be known yet.
func (v secretValue) isSet() bool { return v != secretValue{} }

// configProblem is an error or a warning about one attribute's value.
type configProblem struct {
	attribute string
	message   message
}

// addProblems reports the problems of the provider's arguments.
func addProblems(problems []configProblem, diags *diag.Diagnostics) {
	for _, p := range problems {
		p.message.addTo(diags, p.path())
	}
}

// path returns the attribute's path, which may be in a block.
func (p configProblem) path() path.Path {
	block, attribute, inBlock := strings.Cut(p.attribute, ".")
	if !inBlock {
		return path.Root(p.attribute)
	}
	return path.Root(block).AtName(attribute)
}

// resolver resolves attributes one after the other and collects problems.
type resolver struct {
	getenv   func(string) string
	problems []configProblem
}

// add adds a problem of an attribute.
func (r *resolver) add(attribute string, m message) {
	r.problems = append(r.problems, configProblem{attribute: attribute, message: m})
}

// text returns an attribute's value, else the variable's, else fallback. It is unknown if the attribute is.
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

// secret returns an attribute's secret, or else the variable's. It rejects a token with characters that are no part
// of it.
func (r *resolver) secret(v types.String, attribute, variable string) secretValue {
	value, known := r.text(v, variable, "")
	r.checkToken(attribute, fmt.Sprintf("The value of %s (or %s)", attribute, variable), value)
	return secretValue{value: value, unknown: !known}
}

// checkToken rejects a token that was copied with additional characters. What names the token.
func (r *resolver) checkToken(attribute, what, token string) {
	if strings.TrimSpace(token) != token {
		r.add(attribute, paddedToken(what))
	} else if fault, do := tokenFault(token); fault != "" {
		r.add(attribute, malformedToken(what, fault, do))
	}
}

// tokenFault says what is wrong with a token, and what to do; both are empty if nothing is. It does not quote
// the token (I2).
func tokenFault(token string) (fault, do string) {
	const scheme = "bearer "
	quotes := func(r rune) bool { return strings.ContainsRune("\"'`“”„‘’«»", r) }
	switch {
	case strings.ContainsRune(token, '\uFEFF'):
		return "contains an invisible byte order mark", "Copy the token again, or save its file as UTF-8 without a byte order mark."
	case len(token) > len(scheme) && strings.EqualFold(token[:len(scheme)], scheme):
		return "begins with Bearer", "Remove this word. The provider adds it."
	case strings.TrimFunc(token, quotes) != token:
		return "has quotation marks around it", "Leave them out."
	case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "contains a line break or other white space", "Copy the token again. It " +
			"was probably wrapped over several lines."
	}
	return "", ""
}

// url returns nil if the address, or the environment that decides it, is not known yet.
func (r *resolver) url(v types.String, attribute, variable, fallback string) *url.URL {
	value, known := r.text(v, variable, fallback)
	if !known || value == "" {
		return nil
	}
	parsed, err := url.Parse(value)
	switch {
	case err != nil || parsed.Host == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		r.add(attribute, malformedURL(attribute, variable, "an absolute https URL, such as https://api.example.com/v1"))
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		r.add(attribute, malformedURL(attribute, variable, "an absolute https URL, and must not have a user name, a query or a fragment"))
	case parsed.Scheme == "http" && !transport.IsLoopback(parsed.Hostname()):
		r.add(attribute, insecureURL(attribute, variable))
	default:
		return parsed
	}
	return nil
}

// duration returns an attribute's duration, or fallback if it is missing or malformed. It must be positive.
func (r *resolver) duration(v types.String, attribute string, fallback time.Duration) time.Duration {
	if v.ValueString() == "" {
		return fallback
	}
	timeout, err := time.ParseDuration(v.ValueString())
	if err != nil || timeout <= 0 {
		r.add(attribute, malformedProviderDuration(attribute))
		return fallback
	}
	return timeout
}

// missingError says that a setting is missing.
type missingError struct{ attribute, variable, what string }

func (e *missingError) Error() string { return e.attribute + " is not set" }

// unknownError says that a setting is needed at plan and known only after other objects are applied.
type unknownError struct{ attribute string }

func (e *unknownError) Error() string { return e.attribute + " is not known yet" }
