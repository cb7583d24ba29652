package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// What objects of several types share of their lifecycle.

const (
	deletionRetain = "retain"
	deletionClear  = "clear"
	deletionDelete = "delete"

	defaultShopWriteTimeout = 5 * time.Minute
	defaultShopReadTimeout  = 2 * time.Minute

	// importUntouched marks, in private state, an imported object that was not changed yet: that its
	// first configuration gives a version to a write-only secret is no reason to write it, nor are
	// the first triggers of a rotation a reason to rotate.
	importUntouched = "import_untouched"
)

// limit returns a context that ends after the time that an object's timeouts give an operation, or else after the
// standard time. Call the returned function when the operation is over.
func limit(ctx context.Context, c clock.Clock, timeout func(context.Context, time.Duration) (time.Duration, diag.Diagnostics), standard time.Duration, diags *diag.Diagnostics) (context.Context, context.CancelFunc) {
	d, problems := timeout(ctx, standard)
	diags.Append(problems...)
	if diags.HasError() {
		// The caller returns. It may have no clock: a provider can be called before it is configured.
		return ctx, func() {}
	}
	return clock.WithTimeout(ctx, c, d)
}
