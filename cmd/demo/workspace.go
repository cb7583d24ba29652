package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
)

const (
	// source is the provider's address in required_providers. version is its version in the demo's mirror.
	source  = "storefront-iac/kustom"
	version = "0.1.0"
)

// registries has the default registries of Terraform and OpenTofu.
var registries = []string{"registry.terraform.io", "registry.opentofu.org"}

// workspace is a temporary directory with everything that Terraform needs.
type workspace struct {
	dir string
	// cliConfig is a CLI configuration with the workspace's mirror as the only source of providers.
	cliConfig string
	// inventory and connections are working directories with the examples of legacy keys and connections.
	inventory, connections string
}

func newWorkspace(provider string) (w workspace, err error) {
	dir, err := os.MkdirTemp("", "kustom-demo")
	if err != nil {
		return workspace{}, err
	}
	w = workspace{
		dir:         dir,
		cliConfig:   filepath.Join(dir, "terraform.rc"),
		inventory:   filepath.Join(dir, "inventory"),
		connections: filepath.Join(dir, "connections"),
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	mirror := filepath.Join(dir, "mirror")
	for _, registry := range registries {
		if err := copyExecutable(provider, filepath.Join(mirror, mirrorPath(registry))); err != nil {
			return workspace{}, err
		}
	}
	if err := os.WriteFile(w.cliConfig, []byte(cliConfig(mirror)), 0o600); err != nil {
		return workspace{}, err
	}
	if err := copyExample("data-sources/kustom_legacy_integrations", w.inventory); err != nil {
		return workspace{}, err
	}
	return w, copyExample("connections", w.connections)
}

// mirrorPath returns the path of the provider's executable in a filesystem mirror.
func mirrorPath(registry string) string {
	name := "terraform-provider-kustom_v" + version
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(registry, filepath.FromSlash(source), version, runtime.GOOS+"_"+runtime.GOARCH, name)
}

func cliConfig(mirror string) string {
	return fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
}

// copyExample copies the files of a published example to dir.
func copyExample(name, dir string) error {
	files, err := fs.ReadDir(examples.FS, name)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		content, err := fs.ReadFile(examples.FS, path.Join(name, file.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name()), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func copyExecutable(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("the provider's binary: %w", err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
	}()
	_, err = io.Copy(out, in)
	return err
}
