package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// importID returns the ID of what is to be imported. Where that is named by its identity, the
// identity's attributes make up the ID, in this order, so that both ways have the same validation.
func importID(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics, attributes ...string) string {
	if req.Identity == nil || req.Identity.Raw.IsNull() {
		return req.ID
	}
	parts := make([]string, len(attributes))
	for i, name := range attributes {
		diags.Append(req.Identity.GetAttribute(ctx, path.Root(name), &parts[i])...)
	}
	return strings.Join(parts, "/")
}

// malformedID is the error for a text that is not the ID that it should be.
func malformedID(text, rule string) error {
	if mayBeSecret(text) {
		return errors.New("what was given, which is not shown because it may be a secret, is not " + rule)
	}
	return fmt.Errorf("%q is not %s", text, rule)
}

// parseConnectionID takes the import ID of one shop's connection apart.
func parseConnectionID(id string) (shop, merchantID string, err error) {
	shop, merchantID, found := strings.Cut(id, "/")
	if !found || !isShopName(shop) || !isMerchantID(merchantID) {
		return "", "", malformedID(id, "the import ID of a connection. It has the form <shop>/<merchant_id>, such as my-shop/M00123456")
	}
	return shop, merchantID, nil
}
