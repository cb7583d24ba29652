package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const defaultActionTimeout = 5 * time.Minute

// timeoutAttribute is the attribute for an action's timeout.
func timeoutAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "The maximum time of the action, as a duration such as `30s` or `5m` (default).",
		Validators:          []validator.String{durationValidator{}},
	}
}

// pairSecretAttribute is the attribute of a secret. An action's schema can't mark it as sensitive. It can't be
// write-only either: the framework accepts the declaration and then refuses every value.
func pairSecretAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "*Kustom Secret* of the key in `kustom_id`. Use a sensitive value, such as the `secret` of " +
			"a `kustom_api_key` or a sensitive variable, because Terraform shows any other value in the plan. The state " +
			"does not hold the secret. A saved plan holds it. Terraform does not accept an ephemeral value here.",
	}
}

// timeoutOf returns the configured timeout, which has been validated, or the default.
func timeoutOf(v types.String) time.Duration {
	timeout, err := time.ParseDuration(v.ValueString())
	if err != nil {
		return defaultActionTimeout
	}
	return timeout
}

// actionError is the error of an action. It leaves out advice about writes, because actions write to no shop.
type actionError struct{ cause error }

func (e *actionError) Error() string { return e.cause.Error() }

func (e *actionError) Unwrap() error { return e.cause }

// isAction reports whether err is about an action, which writes to no shop.
func isAction(err error) bool {
	var e *actionError
	return errors.As(err, &e)
}

// unclearOrderError says that an order may or may not have been created.
type unclearOrderError struct{ cause error }

func (e *unclearOrderError) Error() string { return e.cause.Error() }

func (e *unclearOrderError) Unwrap() error { return e.cause }

// actionProgress shows the user an action's progress. It shows its argument as it is, so that must hold no
// secret (I2).
type actionProgress func(action.InvokeProgressEvent)

// say shows a message to the user.
func (p actionProgress) say(format string, args ...any) {
	p(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
}

// observing returns a context whose requests p reports.
func (p actionProgress) observing(ctx context.Context) context.Context {
	return withObserver(ctx, func(e transport.RequestRecord) { p.say("%s", describeRequest(e)) })
}
