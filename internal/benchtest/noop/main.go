// Command noop serves the provider that does nothing. Terraform starts it in the benchmark.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/storefront-iac/terraform-provider-kustom/internal/benchtest"
)

func main() {
	err := providerserver.Serve(context.Background(), benchtest.New, providerserver.ServeOpts{
		Address: "registry.terraform.io/storefront-iac/noop",
	})
	if err != nil {
		log.Fatal(err)
	}
}
