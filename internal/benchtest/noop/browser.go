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

// What is behind the tag links what reaches the vendors by their pages, so that its size can be measured.
// It does nothing unless the program is given arguments, which Terraform does not.
func init() {
	if len(os.Args) == 1 {
		return
	}
	var portal rotation.Portal = portalpages.New(portalpages.Options{})
	var shops rotation.ShopService = mystorepages.New(mystorepages.Options{})
	log.Print(portal, shops, cli.Run(context.Background(), nil, cli.Deps{Stdout: io.Discard, Stderr: io.Discard, SignIn: browser.SignIn}))
}
