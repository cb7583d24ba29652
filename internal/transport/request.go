package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// JSON is the media type of plain JSON.
const JSON = "application/json"

// FreshFor is the maximum age of a read that a deletion or an installation relies on.
const FreshFor = 2 * time.Second

// Request is one call of an API.
type Request struct {
	Method string
	// Template is the path below the base URL, with a {name} for each variable element. Records and errors show
	// it.
	Template string
	// Elements are the values of the template's variables, in order. The client escapes each.
	Elements []string
	Query    url.Values
	// MediaType is the accepted type and, if there is a body, the type of the body.
	MediaType string
	// Body is sent as JSON; nil sends none.
	Body any
	// IdempotencyKey, if set, is sent in the header of that name. It makes the request safe to retry, whatever
	// its method.
	IdempotencyKey string
	// FinishOnCancel lets an attempt that has started continue for a short while after a cancellation, to
	// receive its answer. It does not start further attempts.
	FinishOnCancel bool
	// SendWithin, if set, is the time after the call in which an attempt may be sent. What the caller has read is out
	// of date after that. A wait for the rate limiter or between two attempts can take longer: then the error is
	// outdated, as [IsOutdated] reports.
	SendWithin time.Duration
	// Auth is added to the request.
	Auth Auth
	// Limiter limits the request's rate; nil does not.
	Limiter *Limiter
	// Secrets are the values in Body that nobody may see, even if the vendor repeats them in an error.
	Secrets []string
}

// repeatable reports whether carrying out r twice leaves the same state as once. PATCH is not repeatable: a
// second one could undo somebody else's change in between. Its callers read first and then decide.
func (r Request) repeatable() bool {
	return r.Method == http.MethodGet || r.Method == http.MethodDelete || r.IdempotencyKey != ""
}

// secrets returns the secrets of the body and of the credential.
func (r Request) secrets() []string {
	secrets := append([]string(nil), r.Secrets...)
	if r.Auth != nil {
		secrets = append(secrets, r.Auth.secrets()...)
	}
	return secrets
}

// build returns the HTTP request.
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
		return nil, fmt.Errorf("build the request: %w", err)
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

// address appends the filled-in template to the path of base.
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
			bad = fmt.Errorf("%q is not a valid %s", element, strings.Trim(name, "{}"))
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
		return nil, fmt.Errorf("build the path of %s: %w", r.Template, err)
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

// shownMediaType returns an answer's media type if it can be shown, and an empty string if not. The server
// chooses it freely.
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

// encode returns the JSON form of a request body.
func encode(body any) (*bytes.Reader, error) {
	if body == nil {
		return bytes.NewReader(nil), nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return bytes.NewReader(data), nil
}
