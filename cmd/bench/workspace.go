package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/terraformcmd"
)

//go:embed ways
var configurations embed.FS

// sources has the providers' addresses in required_providers.
var sources = map[string]string{
	"kustom":  "storefront-iac/kustom",
	"noop":    "storefront-iac/noop",
	"restapi": "Mastercard/restapi",
}

// workspace is a temporary directory with everything that Terraform needs for one way.
type workspace struct {
	dir string
	// work is the working directory.
	work string
	// log is the file for the provider's standard error; empty if that goes to Terraform.
	log string
	env []string
}

// newWorkspace returns a workspace for the shops of the servers.
func newWorkspace(set settings, w way, srv *servers, logged bool) (_ *workspace, err error) {
	dir, err := os.MkdirTemp("", "kustom-bench")
	if err != nil {
		return nil, err
	}
	ws := &workspace{dir: dir, work: filepath.Join(dir, "work")}
	if logged {
		ws.log = filepath.Join(dir, "log")
	}
	defer func() {
		if err != nil {
			ws.close()
		}
	}()
	if err := ws.configure(w); err != nil {
		return nil, err
	}
	if err := ws.write("work/shops.auto.tfvars.json", variables(w, srv)); err != nil {
		return nil, err
	}
	cliConfig, err := ws.install(w.provider, set.providers[w.provider])
	if err != nil {
		return nil, err
	}
	own := map[string]string{}
	if w.provider == "kustom" {
		own = srv.env(w)
	}
	if w.quiet {
		own["TF_LOG_SDK"], own["TF_LOG_SDK_FRAMEWORK"], own["TF_LOG_SDK_PROTO"] = "off", "off", "off"
	}
	own["TF_CLI_CONFIG_FILE"] = cliConfig
	own["TF_IN_AUTOMATION"] = "1"
	own["TF_INPUT"] = "0"
	own["CHECKPOINT_DISABLE"] = "1"
	ws.env = terraformcmd.Environment(os.Environ(), own)
	return ws, nil
}

// close removes the workspace.
func (ws *workspace) close() { _ = os.RemoveAll(ws.dir) }

func (ws *workspace) configure(w way) error {
	if err := ws.copy("work", w.root); err != nil {
		return err
	}
	if len(w.module) == 0 {
		return nil
	}
	return ws.copy("work/shop", w.module)
}

// copy copies the files of some directories of ways/ into one.
func (ws *workspace) copy(to string, from []string) error {
	for _, name := range from {
		files, err := fs.Glob(configurations, path.Join("ways", name, "*.tf"))
		if err != nil {
			return err
		}
		for _, file := range files {
			content, err := fs.ReadFile(configurations, file)
			if err != nil {
				return err
			}
			if err := ws.write(path.Join(to, path.Base(file)), string(content)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ws *workspace) write(name, content string) error {
	file := filepath.Join(ws.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(content), 0o600)
}

// variables returns the input variables as JSON.
func variables(w way, srv *servers) string {
	shops, tokens := map[string]string{}, map[string]string{}
	for _, shop := range srv.seed.Shops {
		shops[shop.Name], tokens[shop.Name] = shop.MerchantID, shop.Token
	}
	values := map[string]any{"shops": shops}
	switch {
	case w.provider == "kustom" && !w.pages:
		values["mystore_tokens"] = tokens
	case w.provider == "restapi":
		values["url"] = srv.url
	}
	// Strings and maps of strings always encode.
	encoded, _ := json.Marshal(values)
	return string(encoded)
}

// install links the provider into the workspace, and returns the path of a CLI configuration that uses only this
// provider.
func (ws *workspace) install(provider, binary string) (cliConfig string, err error) {
	cliConfig = filepath.Join(ws.dir, "terraform.rc")
	if provider == "" {
		return cliConfig, ws.write("terraform.rc", "")
	}
	dir := filepath.Join(ws.dir, "provider")
	config := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n  }\n}\n", sources[provider], dir)
	if err := ws.write("terraform.rc", config); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	executable := filepath.Join(dir, "terraform-provider-"+provider)
	if ws.log == "" {
		return cliConfig, os.Symlink(binary, executable)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\" 2>>%s\n", quote(binary), quote(ws.log))
	return cliConfig, os.WriteFile(executable, []byte(script), 0o700)
}

// quote quotes s for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
