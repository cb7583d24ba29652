package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/storefront-iac/terraform-provider-kustom/api"
)

// contract has the OpenAPI documents, by API.
type contract struct {
	documents map[string]*openapi3.T
}

// loadContract parses the documents once per process, because a test run creates many sandboxes.
var loadContract = sync.OnceValues(func() (*contract, error) {
	kustom, err := loadDocument(api.Kustom)
	if err != nil {
		return nil, fmt.Errorf("kustom.yaml: %w", err)
	}
	mystore, err := loadDocument(api.Mystore)
	if err != nil {
		return nil, fmt.Errorf("mystore.yaml: %w", err)
	}
	return &contract{documents: map[string]*openapi3.T{Portal: kustom, Merchant: kustom, Mystore: mystore}}, nil
})

func loadDocument(data []byte) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	return doc, nil
}

// route is one call of the contract, with its handler.
type route struct {
	method   string
	template string
	handle   func(*Sandbox, *call) *answer
	spec     *routers.Route // nil for a page
	page     page
}

// breach says how a request breaks the contract.
type breach struct {
	status int
	code   string
	reason string // names no value of the request: it may be a secret
}

func badRequest(format string, args ...any) *breach {
	return &breach{status: http.StatusBadRequest, code: "BAD_VALUE", reason: fmt.Sprintf(format, args...)}
}

// bind connects each route of the mount with its part of the contract.
func (c *contract) bind(m *mount) error {
	doc := c.documents[m.api]
	for _, rt := range m.routes {
		item := doc.Paths.Value(rt.template)
		if item == nil || item.GetOperation(rt.method) == nil {
			return fmt.Errorf("the contract has no %s %s", rt.method, rt.template)
		}
		rt.spec = &routers.Route{
			Spec: doc, Path: rt.template, PathItem: item,
			Method: rt.method, Operation: item.GetOperation(rt.method),
		}
	}
	return nil
}

// find returns the route of a request and the values of its path parameters.
func (m *mount) find(method, path string) (*route, map[string]string, *breach) {
	known := false
	for _, rt := range m.routes {
		params, ok := matchTemplate(rt.template, path)
		if !ok {
			continue
		}
		if rt.method == method {
			return rt, params, nil
		}
		known = true
	}
	if known {
		return nil, nil, &breach{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the contract has no such method here"}
	}
	return nil, nil, &breach{http.StatusNotFound, "NOT_FOUND", "the contract has no such path"}
}

// matchTemplate splits the path before it unescapes the elements, so a value may contain an escaped slash.
func matchTemplate(template, path string) (map[string]string, bool) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := make(map[string]string)
	for i, w := range want {
		value, err := url.PathUnescape(have[i])
		if err != nil {
			return nil, false
		}
		name, isParam := strings.CutPrefix(w, "{")
		if isParam && value != "" {
			params[strings.TrimSuffix(name, "}")] = value
			continue
		}
		if w != value {
			return nil, false
		}
	}
	return params, true
}

// checkRequest checks the request against the contract.
func (rt *route) checkRequest(c *call) *breach {
	if b := rt.checkQuery(c.http.URL); b != nil {
		return b
	}
	if b := rt.checkMediaTypes(c); b != nil {
		return b
	}
	if len(c.body) > 0 && !json.Valid(c.body) {
		return badRequest("the body is not one JSON value")
	}
	if err := openapi3filter.ValidateRequest(c.http.Context(), rt.input(c)); err != nil {
		return badRequest("%s", explain(err))
	}
	return nil
}

// checkQuery finds what the OpenAPI library accepts: unknown and repeated parameters.
func (rt *route) checkQuery(u *url.URL) *breach {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return badRequest("the query is malformed")
	}
	for name, values := range query {
		if rt.spec.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return badRequest("a query parameter is not one of the contract's")
		}
		if len(values) > 1 {
			return badRequest("query parameter %q is there more than once", name)
		}
	}
	return nil
}

// checkMediaTypes checks the media types of JSON:API, which requires that servers are strict about them.
func (rt *route) checkMediaTypes(c *call) *breach {
	if c.mount.api != Mystore {
		return nil
	}
	want := rt.answerType()
	if !slices.Contains(mediaTypes(c.http.Header.Values("Accept")), want) {
		return &breach{http.StatusNotAcceptable, "NOT_ACCEPTABLE", "Accept is not " + want}
	}
	if rt.spec.Operation.RequestBody == nil {
		return nil
	}
	if !slices.Contains(mediaTypes(c.http.Header.Values("Content-Type")), want) {
		return &breach{http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not " + want}
	}
	return nil
}

// answerType returns the media type of the call's successful answer.
func (rt *route) answerType() string {
	for name := range rt.spec.Operation.Responses.Status(http.StatusOK).Value.Content {
		return name
	}
	return ""
}

func mediaTypes(headers []string) []string {
	var types []string
	for _, part := range strings.Split(strings.Join(headers, ","), ",") {
		if t, _, err := mime.ParseMediaType(part); err == nil {
			types = append(types, t)
		}
	}
	return types
}

// checkReply checks the sandbox's own answer against the contract.
func (rt *route) checkReply(c *call, p *reply) error {
	err := openapi3filter.ValidateResponse(c.http.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: rt.input(c),
		Status:                 p.status,
		Header:                 p.header,
		Body:                   io.NopCloser(bytes.NewReader(p.body)),
		Options:                validation(),
	})
	if err != nil {
		return errors.New(explain(err))
	}
	return nil
}

// input returns a copy of the request for validation, which reads the body.
func (rt *route) input(c *call) *openapi3filter.RequestValidationInput {
	r := c.http.Clone(c.http.Context())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	r.ContentLength = int64(len(c.body))
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: c.params, Route: rt.spec, Options: validation(),
	}
}

func validation() *openapi3filter.Options {
	return &openapi3filter.Options{
		IncludeResponseStatus:             true,
		RejectWhenRequestBodyNotSpecified: true,
		SkipSettingDefaults:               true,
		// The API's own rules authenticate the caller.
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
}

// explain returns the reason without the library's text, which may quote values.
func explain(err error) string {
	var request *openapi3filter.RequestError
	if errors.As(err, &request) {
		return explainRequest(request)
	}
	var response *openapi3filter.ResponseError
	if errors.As(err, &response) {
		return strings.TrimSuffix(response.Reason+": "+cause(response.Err), ": ")
	}
	return cause(err)
}

func explainRequest(err *openapi3filter.RequestError) string {
	if p := err.Parameter; p != nil {
		return fmt.Sprintf("%s parameter %q: %s", p.In, p.Name, cause(err.Err))
	}
	if err.RequestBody == nil {
		return "body: the call takes none"
	}
	if err.Err == nil {
		return "body: " + err.Reason
	}
	return "body: " + cause(err.Err)
}

func cause(err error) string {
	if err == nil {
		return ""
	}
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		return schemaReason(schema)
	}
	if errors.Is(err, openapi3filter.ErrInvalidRequired) || errors.Is(err, openapi3filter.ErrInvalidEmptyValue) {
		return err.Error()
	}
	return "it cannot be read as what the contract says"
}

// schemaReason returns the innermost reason. That an allOf does not match explains nothing.
func schemaReason(err *openapi3.SchemaError) string {
	var inner *openapi3.SchemaError
	if errors.As(err.Origin, &inner) {
		return schemaReason(inner)
	}
	reason := cmp.Or(err.Reason, fmt.Sprintf("value breaks %q", err.SchemaField))
	return fmt.Sprintf("%s at /%s", reason, strings.Join(err.JSONPointer(), "/"))
}
