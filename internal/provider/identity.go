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

// importID returns the import ID. If the import uses an identity, its attributes form the ID, in this order, so
// that both ways share one validation.
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

// malformedID is the error for a malformed ID.
func malformedID(text, rule string) error {
	if mayBeSecret(text) {
		return errors.New("the given ID (not shown, because it may be a secret) is not " + rule)
	}
	return fmt.Errorf("%q is not %s", text, rule)
}

// parseConnectionID parses the import ID of one shop's connection.
func parseConnectionID(id string) (shop, merchantID string, err error) {
	shop, merchantID, found := strings.Cut(id, "/")
	if !found || !isShopName(shop) || !isMerchantID(merchantID) {
		return "", "", malformedID(id, "the import ID of a connection. It has the form <shop>/<merchant_id>, such as my-shop/M00123456")
	}
	return shop, merchantID, nil
}
