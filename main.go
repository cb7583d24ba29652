// Command terraform-provider-kustom is the kustom Terraform provider. Terraform starts it. If a person runs it, it is
// a command-line tool: see package cli.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
	"github.com/storefront-iac/terraform-provider-kustom/internal/keyring"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// version is set by the linker in a release build.
var version = unreleased

// magicCookie is the environment variable that Terraform sets for a plugin.
const magicCookie = "TF_PLUGIN_MAGIC_COOKIE"

func main() {
	own := ownVersion(version, buildInfo())
	if len(os.Args) > 1 || os.Getenv(magicCookie) == "" {
		os.Exit(command(own, os.Args[1:]))
	}
	if err := serve(own, false); err != nil {
		log.Fatal(err)
	}
}

// command runs a command line and returns the exit code.
func command(version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return cli.Run(ctx, args, cli.Deps{
		Version: version, Getenv: os.Getenv, Sessions: sessions(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Interactive: isInteractive(os.Stdin),
		SignIn: browser.SignIn, Check: withBrowsers(version, provider.Check), Survey: withBrowsers(version, provider.Survey), Debug: func() error { return serve(version, true) },
	})
}

// withBrowsers returns a function that calls look with the environment and the sessions of a plan, and then closes the
// browsers.
func withBrowsers[Options, Found any](version string, look func(context.Context, provider.Options, Options) (Found, error)) func(context.Context, Options) (Found, error) {
	return func(ctx context.Context, o Options) (Found, error) {
		var browsers browser.Group
		found, err := look(ctx, provider.Options{
			Version: version, Getenv: os.Getenv, Sessions: sessions(), Browsers: &browsers,
		}, o)
		return found, errors.Join(err, browsers.Close())
	}
}

// isInteractive reports whether a person at stdin can answer questions. In CI, a job may have a terminal without a person.
func isInteractive(stdin *os.File) bool {
	return cli.IsTerminal(stdin) && os.Getenv("CI") == ""
}

// serve serves the provider until Terraform closes the connection.
func serve(version string, debug bool) error {
	tuneMemory()
	var options []tf6server.ServeOpt
	if debug {
		options = append(options, tf6server.WithManagedDebug())
	}
	logs := asksForLog(os.Environ())
	if !logs {
		options = append(options, silent()...)
	}
	var browsers browser.Group
	p := provider.New(provider.Options{
		Version: version, Getenv: os.Getenv, Sessions: sessions(), CacheDir: cacheDir(), Browsers: &browsers,
	})
	server, err := provider.NewServer(p(), logs)
	if err != nil {
		return err
	}
	err = tf6server.Serve("registry.terraform.io/storefront-iac/kustom", func() tfprotov6.ProviderServer { return server }, options...)
	return errors.Join(err, browsers.Close())
}

// sessions returns the store of the sessions that login keeps. A key in the system's keyring encrypts them if there
// is a keyring. The store is empty if the user has no folder for configuration.
func sessions() browser.SessionStore {
	const program = "terraform-provider-kustom"
	config, err := os.UserConfigDir()
	if err != nil {
		return browser.SessionStore{}
	}
	return browser.SessionStore{Dir: filepath.Join(config, program), Keyring: keyring.Item{Service: program, Name: "sessions"}}
}

// cacheDir returns the folder for caches: the key that each shop was last seen with, and pending requests for keys.
// It is empty if the user has no such folder.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "terraform-provider-kustom")
}

// tuneMemory makes the garbage collector less eager, unless GOGC is set. The SDK leaves much garbage behind: with Go's
// default, the provider takes 1.1 times the CPU for a plan of 100 connections, and 1.2 times for an apply. A plan of 1,000
// shops in fleets of 250 takes up to 139 MiB with 125 percent, and up to 157 MiB with 150.
func tuneMemory() {
	const percent = 125
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
