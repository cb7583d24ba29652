package transport_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestAddress_EscapesElements(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prefix   string
		template string
		elements []string
		want     string
	}{
		"plain":             {"", "/stores", nil, "/stores"},
		"prefix":            {"/portal/api/v1", "/stores", nil, "/portal/api/v1/stores"},
		"prefix and slash":  {"/portal/api/v1/", "/stores", nil, "/portal/api/v1/stores"},
		"only a slash":      {"/", "/stores", nil, "/stores"},
		"escaped prefix":    {"/a%2Fb", "/stores", nil, "/a%2Fb/stores"},
		"elements in order": {"", "/a/{x}/b/{y_z}", []string{"1", "2"}, "/a/1/b/2"},
		"slash":             {"", "/a/{x}", []string{"1/2"}, "/a/1%2F2"},
		"percent":           {"", "/a/{x}", []string{"%2e%2e"}, "/a/%252e%252e"},
		"question mark":     {"", "/a/{x}/b", []string{"?x=1#y"}, "/a/%3Fx=1%23y/b"},
		"space and letters": {"", "/a/{x}", []string{"bø nne"}, "/a/b%C3%B8%20nne"},
		"newline":           {"", "/a/{x}", []string{"1\r\nHost: x"}, "/a/1%0D%0AHost:%20x"},
		"dots within":       {"", "/a/{x}", []string{"..."}, "/a/..."},
		"braces":            {"", "/a/{x}/{y}", []string{"{y}", "1"}, "/a/%7By%7D/1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 0, ok())
			env.client = env.newClient(env.srv.URL+test.prefix, 0, time.Minute)
			r := request(http.MethodGet)
			r.Template, r.Elements = test.template, test.elements
			if _, err := env.do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got := env.received()[0].RequestURI; got != test.want {
				t.Errorf("%s was requested, want %s", got, test.want)
			}
		})
	}
}

// The client never sends a request whose path would differ from the template.
func TestAddress_RefusesChangedPath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		template string
		elements []string
	}{
		"dot":       {"/a/{x}", []string{"."}},
		"dots":      {"/a/{x}/b", []string{".."}},
		"empty":     {"/a/{x}", []string{""}},
		"too few":   {"/a/{x}/{y}", []string{"1"}},
		"too many":  {"/a/{x}", []string{"1", "2"}},
		"first bad": {"/a/{x}/{y}", []string{"..", "1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 3, ok())
			r := request(http.MethodDelete)
			r.Template, r.Elements = test.template, test.elements
			_, err := env.do(t.Context(), r)
			if failed := failure(t, err); failed.Kind != transport.NotSent || failed.Attempts != 1 || transport.IsUncertain(err) {
				t.Errorf("the error is %+v", failed)
			}
			env.wantRequests(0)
		})
	}
}

func TestDo_SendsRequest(t *testing.T) {
	t.Parallel()
	var body string
	env := newTestEnv(t, 0, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		ok()(w, r)
	})
	r := request(http.MethodPost)
	r.MediaType = "application/vnd.api+json"
	r.IdempotencyKey = "key-1"
	r.Query = url.Values{"page[size]": {"100"}}
	r.Auth = transport.Basic{Username: "M001-a", Password: "p:w"}
	got, err := env.do(t.Context(), r)
	if err != nil || got.Text != "done" {
		t.Fatalf("the answer is %+v, error %v", got, err)
	}
	sent := env.received()[0]
	for name, want := range map[string]string{
		"User-Agent": "terraform-provider-kustom/test", "Accept": r.MediaType, "Content-Type": r.MediaType,
		"Idempotency-Key": "key-1", "Authorization": "Basic TTAwMS1hOnA6dw==",
	} {
		if got := sent.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if body != `{"name":"thing"}` || sent.URL.Query().Get("page[size]") != "100" {
		t.Errorf("the body is %s, the query %s", body, sent.URL.RawQuery)
	}
}

func TestDo_SendsNeitherBodyNorAuth(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, 0, ok())
	if _, err := env.do(t.Context(), request(http.MethodGet)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key"} {
		if got := env.received()[0].Header.Get(name); got != "" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestDo_SendsNothingWithoutToken(t *testing.T) {
	t.Parallel()
	missing := errors.New("no token is set")
	env := newTestEnv(t, 3, ok())
	r := request(http.MethodGet)
	r.Auth = transport.Bearer(func() (string, error) { return "", missing })
	_, err := env.do(t.Context(), r)
	if failed := failure(t, err); failed.Kind != transport.NotSent || failed.Attempts != 1 || !errors.Is(err, missing) {
		t.Errorf("the error is %+v", failed)
	}
	env.wantRequests(0)
}

// A redirect is an error, whether it leads to another host or not.
func TestDo_FollowsNoRedirect_I2(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, toOther := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d, to another host: %t", method, status, toOther), func(t *testing.T) {
					t.Parallel()
					other := newTestEnv(t, 0, ok())
					to := "/elsewhere"
					if toOther {
						to = strings.Replace(other.srv.URL, "127.0.0.1", "localhost", 1) + "/things"
					}
					env := newTestEnv(t, 3, http.RedirectHandler(to, status).ServeHTTP)
					r := request(method)
					r.Auth = transport.Bearer(func() (string, error) { return "secret-token", nil })
					_, err := env.do(t.Context(), r)
					if failed := failure(t, err); failed.Kind != transport.Refused || failed.Status != status || failed.Attempts != 1 {
						t.Errorf("the error is %+v", failed)
					}
					if len(env.received()) != 1 || len(other.received()) != 0 {
						t.Errorf("the host received %d requests, and the other host %d", len(env.received()), len(other.received()))
					}
				})
			}
		}
	}
}

// The client sends nothing without TLS if TLS is required, and nothing to a host with an untrusted certificate.
// It does not retry either.
func TestDo_SendsNothingToUntrustedHost_I2(t *testing.T) {
	t.Parallel()
	plain := newTestEnv(t, 3, ok())
	plain.client = plain.newClient(strings.Replace(plain.srv.URL, "http:", "https:", 1), 3, time.Minute)
	unknown := newTestEnv(t, 3, ok())
	selfSigned := httptest.NewTLSServer(unknown.srv.Config.Handler)
	t.Cleanup(selfSigned.Close)
	unknown.client = unknown.newClient(selfSigned.URL, 3, time.Minute)
	for name, env := range map[string]*testEnv{"no TLS": plain, "self-signed": unknown} {
		t.Run(name, func(t *testing.T) {
			r := request(http.MethodGet)
			r.Auth = transport.Bearer(func() (string, error) { return "secret-token", nil })
			_, err := env.do(t.Context(), r)
			if failed := failure(t, err); failed.Kind != transport.Untrusted || failed.Attempts != 1 || transport.IsUncertain(err) {
				t.Errorf("the error is %+v", failed)
			}
			env.wantRequests(0)
		})
	}
}

// An error holds neither a secret of the request that a vendor repeats nor a secret of the answer.
func TestError_HoldsNoSecret_I2(t *testing.T) {
	t.Parallel()
	const token, secret, password = "tok-en-SECRET", "kco_live_api_SECRET", "pass-SECRET"
	basic := transport.Basic{Username: "M001-a", Password: password}
	encoded := "TTAwMS1hOnBhc3MtU0VDUkVU"
	echo := func(texts ...string) http.HandlerFunc {
		body, err := json.Marshal(map[string]any{
			"code": "BAD " + texts[0], "correlation": "c " + texts[0], "messages": texts,
		})
		if err != nil {
			t.Fatal(err)
		}
		return respond(http.StatusUnprocessableEntity, transport.JSON, string(body))
	}
	success := func(body string) http.HandlerFunc { return respond(http.StatusOK, transport.JSON, body) }
	tests := map[string]struct {
		handler http.HandlerFunc
		auth    transport.Auth
	}{
		"bearer":              {echo("you sent Bearer "+token, token+token), transport.Bearer(func() (string, error) { return token, nil })},
		"basic":               {echo("you sent Basic "+encoded, password), basic},
		"in the body":         {echo("kustom_secret "+secret+" is bad", `"`+secret+`"`), nil},
		"another type":        {success(`{"n":"` + secret + `"}`), nil},
		"bad time":            {success(`{"at":"` + secret + `"}`), nil},
		"bad syntax":          {success(`{"text":"` + secret + `",` + secret + `}`), nil},
		"truncated":           {success(`{"text":"` + secret), nil},
		"text after the JSON": {success(`{"text":"x"} ` + secret), nil},
		"JSON after the JSON": {success(`{"text":"x"} "` + secret + `"`), nil},
		"not JSON":            {respond(http.StatusOK, "text/html", "<p>"+secret), nil},
		"HTML refusal":        {respond(http.StatusForbidden, "text/html", "<p>"+secret), nil},
		"media type":          {respond(http.StatusForbidden, "text/"+secret, "no"), nil},
		"long media type":     {respond(http.StatusOK, "text/"+strings.Repeat("SECRET", 20), "no"), nil},
		"broken refusal":      {respond(http.StatusForbidden, transport.JSON, `{"messages":["`+secret), nil},
		"redirect":            {respond(http.StatusFound, "text/html", "", "Location", "/?secret="+secret), nil},
		"broken redirect":     {respond(http.StatusFound, "text/html", "", "Location", "http://[/"+secret), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 0, test.handler)
			r := request(http.MethodPatch)
			r.Auth, r.Secrets = test.auth, []string{secret, ""}
			_, err := env.do(t.Context(), r)
			failed := failure(t, err)
			shown := strings.Join(append(failed.Messages, err.Error(), failed.Code, failed.CorrelationID, strings.ToUpper(failed.MediaType)), " ")
			if strings.Contains(shown, "SECRET") || strings.Contains(shown, encoded) {
				t.Error("the error holds a secret")
			}
			for _, e := range env.recorded() {
				if strings.Contains(e.CorrelationID+e.Template+e.Host, "SECRET") {
					t.Error("the record holds a secret")
				}
			}
		})
	}
}

// The content of a refusal's body decides its kind, not only the content type.
func TestError_HasKindOfBody(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mediaType, body string
		want            transport.BodyKind
	}{
		"nothing":            {"", "", transport.BodyNone},
		"nothing, as JSON":   {transport.JSON, "", transport.BodyNone},
		"white space":        {"text/html", " \r\n", transport.BodyNone},
		"JSON":               {transport.JSON, `{"code":"X"}`, transport.BodyJSON},
		"a kind of JSON":     {"application/problem+json", `{}`, transport.BodyJSON},
		"JSON, as text":      {"text/plain", `{"code":"X"}`, transport.BodyOther},
		"broken JSON":        {transport.JSON, `{"code":`, transport.BodyOther},
		"HTML":               {"text/html", "<p>no", transport.BodyHTML},
		"text, as HTML":      {"text/html", "no", transport.BodyHTML},
		"HTML, as JSON":      {transport.JSON, "<h1>no</h1>", transport.BodyHTML},
		"HTML, without type": {"", " <!doctype html>", transport.BodyHTML},
		"text":               {"text/plain", "no route", transport.BodyOther},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 0, respond(http.StatusNotFound, test.mediaType, test.body))
			_, err := env.do(t.Context(), request(http.MethodGet))
			if got := failure(t, err); got.Body != test.want || got.MediaType != test.mediaType && test.mediaType != "" {
				t.Errorf("the body is %s, of type %q; want %s", got.Body, got.MediaType, test.want)
			}
		})
	}
}

func TestError_ShowsMessages(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, 0, respond(http.StatusConflict, transport.JSON,
		`{"code":"TAKEN","correlation":"c-1","messages":["one\n\u001b[31mtwo","`+strings.Repeat("ø", 1000)+`"]}`))
	_, err := env.do(t.Context(), request(http.MethodGet))
	failed := failure(t, err)
	if strings.ContainsAny(err.Error(), "\n\x1b") || len([]rune(failed.Messages[1])) > 301 {
		t.Errorf("the messages are %q", failed.Messages)
	}
	if !transport.IsCode(err, http.StatusConflict, "TAKEN") || transport.IsCode(err, http.StatusConflict, "OTHER") || failed.CorrelationID != "c-1" {
		t.Errorf("the error is %+v", failed)
	}
	if got := err.Error(); !strings.HasPrefix(got, "GET /things ("+strings.TrimPrefix(env.srv.URL, "http://")+"): 409 Conflict, TAKEN: one") {
		t.Errorf("the error is %q", got)
	}
}

func TestObserve_RecordsAttempts(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, 3, refuse(http.StatusServiceUnavailable), reset, ok())
	r := request(http.MethodGet)
	r.Template, r.Elements = "/things/{id}", []string{"42"}
	if _, err := env.do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(env.srv.URL, "http://")
	want := []transport.RequestRecord{
		{Attempt: 1, Status: 503, Kind: transport.Refused, CorrelationID: "c-1"},
		{Attempt: 2, Kind: transport.NoAnswer},
		{Attempt: 3, Status: 200},
	}
	got := env.recorded()
	if len(got) != len(want) {
		t.Fatalf("%d attempts were recorded, want %d", len(got), len(want))
	}
	for i, e := range want {
		e.API, e.Host, e.Method, e.Template = "portal", host, http.MethodGet, "/things/{id}"
		if got[i] != e {
			t.Errorf("attempt %d is recorded as %+v, want %+v", i+1, got[i], e)
		}
	}
}
