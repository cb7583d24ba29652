// Command terraform-provider-kustom is the kustom Terraform provider. Terraform starts it; it is not
// run by hand.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// version is set by the linker when a release is built.
var version = unreleased

func main() {
	debug := flag.Bool("debug", false, "run under a debugger, and print what Terraform needs to find this process")
	printVersion := flag.Bool("version", false, "print the version, and end")
	flag.Parse()
	own := ownVersion(version, buildInfo())
	if *printVersion {
		fmt.Println("terraform-provider-kustom", own)
		return
	}
	silence()
	tuneMemory()
	err := providerserver.Serve(context.Background(), provider.New(provider.Options{
		Version: own,
		Getenv:  os.Getenv,
	}), providerserver.ServeOpts{
		Address: "registry.terraform.io/storefront-iac/kustom",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}

// silence turns the SDK's logging off unless a TF_LOG variable asks for it. Without it the SDK writes
// every line, down to TRACE, for Terraform to parse and drop, which costs a fifth of the time that a
// large plan takes.
func silence() {
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "TF_LOG") {
			return
		}
	}
	for _, name := range []string{"TF_LOG_PROVIDER_KUSTOM", "TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"} {
		if err := os.Setenv(name, "off"); err != nil {
			log.Print(err)
		}
	}
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
