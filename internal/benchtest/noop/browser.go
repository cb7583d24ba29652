//go:build browser

package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/cli"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// With this build tag, the program links the packages of the vendors' pages, so that their size can be measured. It
// calls them only if it has arguments, and Terraform passes none.
func init() {
	if len(os.Args) == 1 {
		return
	}
	var portal rotation.Portal = portalpages.New(portalpages.Options{})
	var shops rotation.ShopService = mystorepages.New(mystorepages.Options{})
	log.Print(portal, shops, cli.Run(context.Background(), nil, cli.Deps{Stdout: io.Discard, Stderr: io.Discard, SignIn: browser.SignIn}))
}
