package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Lifecycle code that several resource types share.

const (
	deletionRetain = "retain"
	deletionClear  = "clear"
	deletionDelete = "delete"

	defaultShopWriteTimeout = 5 * time.Minute
	defaultShopReadTimeout  = 2 * time.Minute

	// importUntouched marks, in private state, an imported object that was not changed yet. The first version
	// of a write-only secret does not write it, and the first triggers do not rotate.
	importUntouched = "import_untouched"
)

// limit returns a context with the timeout of an operation, from the object's timeouts or the default. Call the
// returned function when the operation is over.
func limit(ctx context.Context, c clock.Clock, timeout func(context.Context, time.Duration) (time.Duration, diag.Diagnostics), standard time.Duration, diags *diag.Diagnostics) (context.Context, context.CancelFunc) {
	d, problems := timeout(ctx, standard)
	diags.Append(problems...)
	if diags.HasError() {
		// The caller returns. There may be no clock, because a provider can be called before it is configured.
		return ctx, func() {}
	}
	return clock.WithTimeout(ctx, c, d)
}
