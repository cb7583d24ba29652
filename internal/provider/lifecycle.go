package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
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

// timedModel is the part of a resource's model that sets the resource's timeouts. Embed it.
type timedModel struct {
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (m timedModel) timeouts() timeouts.Value { return m.Timeouts }

// operationTimeout returns the timeout of one operation, such as [timeouts.Value.Create]; the given one if the user has
// set none.
type operationTimeout func(timeouts.Value, context.Context, time.Duration) (time.Duration, diag.Diagnostics)

// begin starts a Create, Read, Update or Delete. It returns the model of a plan or a state, and a context with the
// operation's timeout, or the standard one. Call cancel when the operation is over, also after an error in diags.
func begin[M interface{ timeouts() timeouts.Value }](ctx context.Context, c clock.Clock, from modelSource, timeout operationTimeout, standard time.Duration, diags *diag.Diagnostics) (model M, limited context.Context, cancel context.CancelFunc) {
	model = load[M](ctx, from, diags)
	d, problems := timeout(model.timeouts(), ctx, standard)
	diags.Append(problems...)
	if diags.HasError() {
		// The caller returns. There may be no clock, because a provider can be called before it is configured.
		return model, ctx, func() {}
	}
	limited, cancel = clock.WithTimeout(ctx, c, d)
	return model, limited, cancel
}
