package transport

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// JSON is the media type of plain JSON.
const JSON = "application/json"

// Request is one call of an API.
type Request struct {
	Method string
	// Template is the path below the base URL, with a {name} for each variable element. It is what
	// records and errors show.
	Template string
	// Elements are the values of the template's variables, in order. Each is escaped.
	Elements []string
	Query    url.Values
	// MediaType is what is accepted and, where there is a body, sent.
	MediaType string
	// Body is sent as JSON; nil sends none.
	Body any
	// IdempotencyKey, when set, is sent as the header of that name and makes the request safe to
	// repeat whatever its method is.
	IdempotencyKey string
	// FinishOnCancel makes an attempt, once under way, go on for a short while after a cancellation, for
	// the sake of its answer. It does not make further attempts.
	FinishOnCancel bool
	// Auth is attached to the request.
	Auth Auth
	// Limiter paces the request; nil does not.
	Limiter *Limiter
	// Secrets are the values in Body that must not be shown to anybody, even where the vendor
	// repeats them in an error.
	Secrets []string
}

// repeatable tells whether the server ends in the same state when r is carried out twice. PATCH is
// not among them: a repeated one could undo what somebody else did in between, so those who send
// it read and decide.
func (r Request) repeatable() bool {
	return r.Method == http.MethodGet || r.Method == http.MethodDelete || r.IdempotencyKey != ""
}

func (r Request) secrets() []string {
	secrets := append([]string(nil), r.Secrets...)
	if r.Auth != nil {
		secrets = append(secrets, r.Auth.secrets()...)
	}
	return secrets
}

func (r Request) build(ctx context.Context, base *url.URL, userAgent string) (*http.Request, error) {
	address, err := r.address(base)
	if err != nil {
		return nil, err
	}
	body, err := encode(r.Body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address.String(), body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", r.MediaType)
	if r.Body != nil {
		req.Header.Set("Content-Type", r.MediaType)
	}
	if r.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", r.IdempotencyKey)
	}
	if r.Auth == nil {
		return req, nil
	}
	if err := r.Auth.authorize(req.Header); err != nil {
		return nil, err
	}
	return req, nil
}

var variable = regexp.MustCompile(`\{[a-z_]+\}`)

// address appends the template, filled in, to the path of base.
func (r Request) address(base *url.URL) (*url.URL, error) {
	rest := r.Elements
	var bad error
	path := variable.ReplaceAllStringFunc(r.Template, func(name string) string {
		if len(rest) == 0 {
			bad = fmt.Errorf("the path %s has no value for %s", r.Template, name)
			return ""
		}
		element := rest[0]
		rest = rest[1:]
		// Servers and proxies resolve dot elements, escaped or not, to another path.
		if element == "" || element == "." || element == ".." {
			bad = fmt.Errorf("%q is not a possible %s", element, strings.Trim(name, "{}"))
		}
		return url.PathEscape(element)
	})
	if bad == nil && len(rest) > 0 {
		bad = errors.New("the path " + r.Template + " has more values than variables")
	}
	if bad != nil {
		return nil, bad
	}
	address, err := url.Parse(strings.TrimSuffix(base.EscapedPath(), "/") + path)
	if err != nil {
		return nil, fmt.Errorf("building the path of %s: %w", r.Template, err)
	}
	address.Scheme, address.Host = base.Scheme, base.Host
	address.RawQuery = r.Query.Encode()
	return address, nil
}

func mediaType(h http.Header) string {
	parsed, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return parsed
}

// shownMediaType returns the media type of an answer, which is the server's to choose, if it is fit to be
// shown; empty where it is not.
func (c *Client) shownMediaType(h http.Header) string {
	const longest = 60
	named := mediaType(h)
	if shown := c.Redactor.Show(vendortext.New(named)); len(named) > longest || shown != named {
		return ""
	}
	return named
}

func isJSON(h http.Header) bool { return isJSONType(mediaType(h)) }

func isJSONType(mediaType string) bool {
	return mediaType == JSON || strings.HasSuffix(mediaType, "+json")
}
