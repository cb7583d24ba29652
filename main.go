// Command terraform-provider-kustom is the kustom Terraform provider, which Terraform starts. Run by hand,
// it does what a person asks for: see package cli.
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

// version is set by the linker when a release is built.
var version = unreleased

// magicCookie is the variable by which a plugin knows that it was started by Terraform.
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

// command does what a person asks for, and returns the exit code.
func command(version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return cli.Run(ctx, args, cli.Deps{
		Version: version, Getenv: os.Getenv, Keep: sessions(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Asks: asks(os.Stdin),
		SignIn: browser.SignIn, Check: looking(version, provider.Check), Survey: looking(version, provider.Survey), Debug: func() error { return serve(version, true) },
	})
}

// looking returns what looks with the environment and the sessions that a plan would use, and ends the browsers that it
// has started.
func looking[Options, Found any](version string, look func(context.Context, provider.Options, Options) (Found, error)) func(context.Context, Options) (Found, error) {
	return func(ctx context.Context, o Options) (Found, error) {
		var browsers browser.Group
		found, err := look(ctx, provider.Options{
			Version: version, Getenv: os.Getenv, Sessions: sessions(), Browsers: &browsers,
		}, o)
		return found, errors.Join(err, browsers.Close())
	}
}

// asks tells whether there is a person at a file who can be asked. A CI may give its jobs a terminal, and has nobody
// there.
func asks(stdin *os.File) bool {
	return cli.IsTerminal(stdin) && os.Getenv("CI") == ""
}

// serve serves the provider until Terraform has enough of it.
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

// sessions are those that login keeps: in a folder, sealed with a key in the system's keyring where there is one; nowhere
// where the user has no folder for such things.
func sessions() browser.SessionStore {
	const program = "terraform-provider-kustom"
	config, err := os.UserConfigDir()
	if err != nil {
		return browser.SessionStore{}
	}
	return browser.SessionStore{Dir: filepath.Join(config, program), Keyring: keyring.Item{Service: program, Name: "sessions"}}
}

// cacheDir is the folder in which the provider remembers which key each shop was last seen with, and which requests for
// keys are under way; empty where the user has no folder for such things.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "terraform-provider-kustom")
}

// tuneMemory makes the garbage collector less eager, unless GOGC is set. The SDK leaves much garbage behind: with Go's
// default, the provider takes 1.1 times the CPU for a plan of 100 connections, and 1.2 times for an apply.
func tuneMemory() {
	const percent = 150
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
