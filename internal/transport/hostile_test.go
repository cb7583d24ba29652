package transport_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

const (
	hostileToken = "portal-token-8Tq2LmX"
	// planted is a secret of a known form that the client does not know.
	planted = "kco_live_api_PLANTEDr8Tq2LmX"
)

// evil is the text of a hostile server. It has secrets in several forms, and control characters that change a
// terminal's title or the direction of text.
var evil = hostileToken + " " + planted + " " + strings.ToUpper(hostileToken) + " " +
	base64.StdEncoding.EncodeToString([]byte(hostileToken)) + " " + url.QueryEscape(planted) + " \x1b]0;owned\x07 \u202e\u009b31m "

// endless is 2 MB of evil.
var endless = strings.Repeat(evil, (2<<20)/len(evil))

// serveRaw answers every connection with the same bytes, until the test ends. It returns the server's address.
func serveRaw(t *testing.T, listener net.Listener, answer string) (address string) {
	t.Helper()
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answerRaw(conn, answer) })
		}
	})
	return listener.Addr().String()
}

// rawServer answers every connection with the same bytes.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveRaw(t, listener, answer)
}

func answerRaw(conn net.Conn, answer string) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = conn.Write([]byte(answer))
	}
}

func hostileAnswers() map[string]string {
	const json = "Content-Type: application/json\r\n"
	body := func(status, text string) string {
		quoted := fmt.Sprintf("%+q", text)
		for escape, form := range map[string]string{`\x1b`: `\u001b`, `\a`: `\u0007`, `\x07`: `\u0007`} {
			quoted = strings.ReplaceAll(quoted, escape, form)
		}
		body := `{"code":` + quoted + `,"correlation":` + quoted + `,"subject":` + quoted + `,"messages":[` + strings.Repeat(quoted+",", 20) + quoted + `]}`
		return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, json, len(body), body)
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write([]byte(`{"text":"` + evil))
	_ = zip.Close()
	return map[string]string{
		"not HTTP":           evil + "\r\n\r\n",
		"status":             "HTTP/1.1 " + evil + "\r\n\r\n",
		"status code":        "HTTP/1.1 2" + hostileToken + " OK\r\n\r\n",
		"protocol":           "HTTP/" + evil + " 200 OK\r\n\r\n",
		"status text":        "HTTP/1.1 500 " + evil + "\r\n\r\n",
		"header line":        "HTTP/1.1 200 OK\r\n" + evil + "\r\n\r\n",
		"header name":        "HTTP/1.1 200 OK\r\n" + hostileToken + " : x\r\n\r\n",
		"content length":     "HTTP/1.1 200 OK\r\nContent-Length: " + evil + "\r\n\r\n",
		"content lengths":    "HTTP/1.1 200 OK\r\nContent-Length: " + hostileToken + "\r\nContent-Length: " + planted + "\r\n\r\n",
		"transfer encoding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + evil + "\r\n\r\n",
		"chunk":              "HTTP/1.1 200 OK\r\n" + json + "Transfer-Encoding: chunked\r\n\r\n" + evil + "\r\n",
		"trailer":            "HTTP/1.1 200 OK\r\nTrailer: " + evil + "\r\nTransfer-Encoding: chunked\r\n\r\n",
		"content type":       "HTTP/1.1 200 OK\r\nContent-Type: text/" + hostileToken + "\r\n\r\n",
		"content type, form": "HTTP/1.1 403 No\r\nContent-Type: " + planted + "/x\r\n\r\n",
		"redirect":           "HTTP/1.1 302 Found\r\nLocation: https://" + hostileToken + ".example/" + planted + "\r\n\r\n",
		"correlation":        body("401 Unauthorized", evil),
		"messages":           body("500 Oops", evil),
		"success":            body("200 OK", evil),
		"endless status":     "HTTP/1.1 " + endless + "\r\n\r\n",
		"endless header":     "HTTP/1.1 200 OK\r\nX: " + endless + "\r\n\r\n",
		"endless line":       "HTTP/1.1 200 OK\r\n" + endless + "\r\n\r\n",
		"endless type":       "HTTP/1.1 403 No\r\nContent-Type: text/" + strings.Repeat("x", 2<<20) + "\r\n\r\n",
		"endless body":       body("403 Forbidden", endless),
		"gzip":               "HTTP/1.1 200 OK\r\n" + json + "Content-Encoding: gzip\r\n\r\n" + evil,
		"truncated gzip":     "HTTP/1.1 200 OK\r\n" + json + "Content-Encoding: gzip\r\n\r\n" + zipped.String()[:zipped.Len()/2],
	}
}

// HTTP libraries quote these answers in their errors.
func TestDo_QuotesNoHostileAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range hostileAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantNothingQuoted(t, "http://"+rawServer(t, answer), transport.NewPool())
		})
	}
}

// Go's error quotes the text beside a proxy's status unchanged.
func TestDo_QuotesNoHostileProxy(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"status text": "HTTP/1.1 407 " + evil + "\r\n\r\n", "endless": "HTTP/1.1 502 " + endless + "\r\n\r\n", "not HTTP": evil + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := transport.NewPool()
			pool.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: rawServer(t, answer), User: url.UserPassword("proxy", planted)})
			wantNothingQuoted(t, "https://portal.example", pool)
		})
	}
}

// TLS errors print the names in a certificate before it is trusted.
func TestDo_QuotesNoHostileCertificate(t *testing.T) {
	t.Parallel()
	for name, names := range map[string][]string{
		"secret": {hostileToken, planted}, "escapes": {"\x1b]0;owned\x07"}, "many": strings.Fields(strings.Repeat("name.example ", 20000)),
	} {
		for _, trusted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, trusted: %v", name, trusted), func(t *testing.T) {
				t.Parallel()
				address, roots := hostileTLS(t, names)
				pool := transport.NewPool()
				pool.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
				if trusted {
					pool.TLSClientConfig.RootCAs = roots
				}
				pool.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, address)
				}
				wantNothingQuoted(t, "https://portal.example", pool)
			})
		}
	}
}

// hostileTLS serves a certificate for other names than the server's.
func hostileTLS(t *testing.T, names []string) (address string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, Subject: pkix.Name{CommonName: evil[:60], Organization: []string{planted}}, DNSNames: names,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	if certificate, err := x509.ParseCertificate(der); err == nil {
		roots.AddCert(certificate)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return serveRaw(t, listener, ""), roots
}

// wantNothingQuoted sends one request, and expects an error and a record that can be shown.
func wantNothingQuoted(t *testing.T, address string, pool *http.Transport) {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var record strings.Builder
	client := transport.New(transport.Options{
		API: "portal", BaseURL: base, UserAgent: "test", Timeout: 15 * time.Second, Clock: clocktest.New(noon),
		RoundTripper: pool, Problem: problem, Redactor: vendortext.NewRedactor(),
		Observe: func(_ context.Context, e transport.RequestRecord) { fmt.Fprintf(&record, "%+v", e) },
	})
	r := request(http.MethodPost)
	r.Auth = transport.Bearer(func() (string, error) { return hostileToken, nil })
	var failed *transport.Error
	_, err = transport.Do[answer](t.Context(), client, r)
	if err == nil && strings.Contains(t.Name(), "success") {
		return
	}
	if !errors.As(err, &failed) {
		t.Fatalf("the error is %v", err)
	}
	if failed.Subject != "" {
		t.Errorf("a subject that is no ID is kept: %q", failed.Subject)
	}
	for _, text := range []string{err.Error(), fmt.Sprint(failed.Err), failed.MediaType, failed.CorrelationID, failed.Code, record.String()} {
		for _, secret := range []string{
			hostileToken, strings.ToUpper(hostileToken), strings.ToLower(hostileToken), planted, strings.ToLower(planted),
			"PLANTED", base64.StdEncoding.EncodeToString([]byte(hostileToken)), url.QueryEscape(planted),
		} {
			transporttest.FitToShow(t, errors.New(text), secret)
		}
	}
}
