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

// secretValue is a secret that may be missing, or not known yet.
type secretValue struct {
	value   string
	unknown bool
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

// missingError says that something needs a setting that is not there.
type missingError struct{ attribute, variable, what string }

func (e *missingError) Error() string { return e.attribute + " is not set" }

// unknownError says that something needs, while planning, a setting that is known only when other
// objects have been applied.
type unknownError struct{ attribute string }

func (e *unknownError) Error() string { return e.attribute + " is not known yet" }
