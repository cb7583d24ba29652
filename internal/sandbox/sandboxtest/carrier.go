// Package sandboxtest connects tests to a sandbox without a network.
package sandboxtest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// Carrier is a round tripper that passes requests to a sandbox. It is safe for concurrent use.
type Carrier struct{ To *sandbox.Sandbox }

var _ http.RoundTripper = Carrier{}

// RoundTrip implements [http.RoundTripper]. If the sandbox drops the connection, the error is [io.ErrUnexpectedEOF],
// or the context's error if the context is done.
func (c Carrier) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		p := recover()
		if dropped, _ := p.(error); errors.Is(dropped, http.ErrAbortHandler) {
			resp, err = nil, io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	in := req.Clone(req.Context())
	in.Host = req.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	c.To.ServeHTTP(recorder, in)
	if err := in.Body.Close(); err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp = recorder.Result()
	resp.Request = req
	return resp, nil
}
