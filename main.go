// Command terraform-provider-kustom is the kustom Terraform provider, which Terraform starts. Run by hand,
// it lets a person sign in to the vendors' pages, see package login, and checks what a plan would find there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/login"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// version is set by the linker when a release is built.
var version = unreleased

func main() {
	debug := flag.Bool("debug", false, "run under a debugger, and print what Terraform needs to find this process")
	printVersion := flag.Bool("version", false, "print the version, and end")
	flag.Usage = func() { login.About(flag.CommandLine.Output()) }
	flag.Parse()
	own := ownVersion(version, buildInfo())
	if *printVersion {
		fmt.Println("terraform-provider-kustom", own)
		return
	}
	if flag.NArg() > 0 || !*debug && os.Getenv(magicCookie) == "" {
		os.Exit(command(flag.Args()))
	}
	tuneMemory()
	if err := serve(own, *debug); err != nil {
		log.Fatal(err)
	}
}

// magicCookie is the variable by which a plugin knows that it was started by Terraform.
const magicCookie = "TF_PLUGIN_MAGIC_COOKIE"

// command does what a person asks for, and returns the exit code.
func command(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if len(args) > 0 && args[0] == "check" {
		return check(ctx, args[1:])
	}
	return login.Run(ctx, args, login.Options{
		Getenv: os.Getenv, Keep: browser.Keep{Dir: sessionDir()}, Stdout: os.Stdout, Stderr: os.Stderr, Stdin: os.Stdin, SignIn: browser.SignIn,
	})
}

// serve serves the provider until Terraform has enough of it.
func serve(version string, debug bool) error {
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
		Version: version, Getenv: os.Getenv, SessionDir: sessionDir(), CacheDir: cacheDir(), Browsers: &browsers,
	})
	server, err := provider.NewServer(p(), logs)
	if err != nil {
		return err
	}
	err = tf6server.Serve("registry.terraform.io/storefront-iac/kustom", func() tfprotov6.ProviderServer { return server }, options...)
	return errors.Join(err, browsers.Close())
}

// sessionDir is the folder in which login keeps sessions; empty where the user has no folder for such
// things.
func sessionDir() string {
	config, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(config, "terraform-provider-kustom")
}

// cacheDir is the folder in which the provider remembers which key each shop was last seen with; empty where the user
// has no folder for such things.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "terraform-provider-kustom")
}

// tuneMemory makes the garbage collector less eager. What the SDK does to plan a fleet of a thousand
// shops leaves a lot of garbage behind, and collecting it took a third of the time. Where the
// environment says how eager to be (GOGC), that holds.
func tuneMemory() {
	const percent = 150
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
