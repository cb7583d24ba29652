// Command hastened serves the provider on a clock that runs faster than the real one, for tests that start it as a
// process of its own: an apply waits until the vendors have settled, and a run that comes after one that was killed waits
// for up to a minute. With arguments, it is the same command-line tool as the provider, for tests of pipelines.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// The environment variables that set the clock: when it showed the real time, and how fast it runs since.
const (
	start  = "KUSTOM_TEST_CLOCK_START"
	factor = "KUSTOM_TEST_CLOCK_FACTOR"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Deps{
			Version: "test", Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		}))
	}
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	began, err := time.Parse(time.RFC3339Nano, os.Getenv(start))
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(os.Getenv(factor))
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	p := provider.New(provider.Options{
		Version: "test", Getenv: os.Getenv, CacheDir: filepath.Join(cache, "terraform-provider-kustom"),
		Clock: clocktest.NewScaledFrom(began, times),
	})
	server, err := provider.NewServer(p(), false)
	if err != nil {
		return err
	}
	return tf6server.Serve("registry.terraform.io/storefront-iac/kustom", func() tfprotov6.ProviderServer { return server })
}
