// Command terraform-provider-kustom is the kustom Terraform provider. Terraform starts it; it is not
// run by hand.
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// version is set by the linker when a release is built.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "run under a debugger, and print what Terraform needs to find this process")
	flag.Parse()
	err := providerserver.Serve(context.Background(), provider.New(provider.Options{
		Version: version,
		Getenv:  os.Getenv,
	}), providerserver.ServeOpts{
		Address: "registry.terraform.io/storefront-iac/kustom",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
