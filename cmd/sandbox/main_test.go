package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

// firstWrite receives the first write.
type firstWrite chan string

func (w firstWrite) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestRun_Serves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := make(firstWrite, 1)
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0", "-pending", "1"}, out) }()

	var text string
	select {
	case text = <-out:
	case err := <-done:
		t.Fatal(err)
	}
	for _, want := range []string{"export KUSTOM_ENVIRONMENT='production'\n", `export MYSTORE_TOKENS='{"fjellsport":`, "/sandbox/report"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	_, rest, _ := strings.Cut(text, "# report:")
	url, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	getReport(t, url)

	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("run did not return after its context was cancelled")
	}
}

// The environment for the pages has sessions and no tokens.
func TestIntroduce_PrintsEnvironment(t *testing.T) {
	_, srv := sandboxtest.Start(t, sandbox.ThreeShops(), sandbox.Options{})
	tests := map[string]struct {
		env        map[string]string
		want, lack string
	}{
		"APIs":  {srv.Env(), "export KUSTOM_PORTAL_TOKEN=", "SESSION"},
		"pages": {srv.PagesEnv(), "export KUSTOM_PORTAL_SESSION=", "TOKEN"},
	}
	for name, test := range tests {
		var out strings.Builder
		if err := introduce(&out, srv, test.env); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), test.lack) {
			t.Errorf("%s: got %s", name, out.String())
		}
		for _, line := range []string{srv.PortalPagesURL() + "/", srv.MystoreAdminURL("fjellsport") + " as owner@"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%s: no %q in %s", name, line, out.String())
			}
		}
	}
}

func getReport(t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"ullogtre"`)) {
		t.Errorf("the report is %d %s, %v", resp.StatusCode, body, err)
	}
}

func TestRun_RefusesInvalidFlags(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	bad := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(bad, []byte("environment: staging\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want string
	}{
		"every address":  {[]string{"-addr", ":9000"}, "loopback"},
		"other address":  {[]string{"-addr", "192.0.2.1:9000"}, "loopback"},
		"a name":         {[]string{"-addr", "example.com:9000"}, "loopback"},
		"no port":        {[]string{"-addr", "127.0.0.1"}, "port"},
		"taken":          {[]string{"-addr", taken.Addr().String()}, "make sandbox PORT="},
		"argument":       {[]string{"serve"}, `"serve"`},
		"unknown flag":   {[]string{"-tls"}, "-tls"},
		"no seed":        {[]string{"-addr", "127.0.0.1:0", "-seed", filepath.Join(t.TempDir(), "none")}, "read a seed"},
		"bad seed":       {[]string{"-addr", "127.0.0.1:0", "-seed", bad}, "staging"},
		"no mutation":    {[]string{"-addr", "127.0.0.1:0", "-pages-mutations", "iframe,no-such"}, `"no-such"`},
		"negative limit": {[]string{"-addr", "127.0.0.1:0", "-key-limit", "-1"}, "negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), test.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestRun_PrintsHelp(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-help"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("the error is %v", err)
	}
	if !strings.Contains(out.String(), "-propagation-delay") {
		t.Errorf("the help is %s", out.String())
	}
}

func TestRun_ListsMutations(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-pages-list"}, &out); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != len(sandbox.Mutations()) || !strings.Contains(out.String(), "popup-plain") {
		t.Errorf("got %s", out.String())
	}
}

func TestCheckLoopback_AcceptsLoopbackAddresses(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:9000", "127.8.8.8:0", "[::1]:9000", "localhost:9000"} {
		if err := checkLoopback(addr); err != nil {
			t.Error(err)
		}
	}
}

func TestQuote_QuotesForShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("this machine has no POSIX shell")
	}
	for _, text := range []string{`{"a":"b"}`, "it's", "$HOME `id` \\ \" \n"} {
		out, err := exec.CommandContext(t.Context(), sh, "-c", "printf %s "+quote(text)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != text {
			t.Errorf("a shell reads %q as %q", text, out)
		}
	}
}
