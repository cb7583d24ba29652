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

// timeoutAttribute is the attribute that bounds an action's time.
func timeoutAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "The maximum time of the action, as a duration such as `30s` or `5m` (default).",
		Validators:          []validator.String{durationValidator{}},
	}
}

// pairSecretAttribute is the attribute of a secret. An action's schema can't mark it as sensitive. It
// is not write-only either: the framework lets one be declared so, and then refuses every value of it.
func pairSecretAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "*Kustom Secret* that belongs to `kustom_id`. Use a sensitive value, such as the `secret` of " +
			"a `kustom_api_key` or a sensitive variable: Terraform shows any other value in the plan. No state holds the " +
			"secret. A saved plan holds it, and its source. Terraform accepts no ephemeral value here.",
	}
}

// timeoutOf returns the configured time, which has been validated, or the default.
func timeoutOf(v types.String) time.Duration {
	timeout, err := time.ParseDuration(v.ValueString())
	if err != nil {
		return defaultActionTimeout
	}
	return timeout
}

// actionError is the error of an action. Actions write to no shop, so advice that is about a write is
// not for them.
type actionError struct{ cause error }

func (e *actionError) Error() string { return e.cause.Error() }

func (e *actionError) Unwrap() error { return e.cause }

func isAction(err error) bool {
	var e *actionError
	return errors.As(err, &e)
}

// unclearOrderError says that nobody knows whether an order was made.
type unclearOrderError struct{ cause error }

func (e *unclearOrderError) Error() string { return e.cause.Error() }

func (e *unclearOrderError) Unwrap() error { return e.cause }

// actionProgress tells the person who runs an action how far it is. Whatever it is given is shown: no
// secret may be (I2).
type actionProgress func(action.InvokeProgressEvent)

func (p actionProgress) say(format string, args ...any) {
	p(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
}

// hearing returns a context whose requests p tells of.
func (p actionProgress) hearing(ctx context.Context) context.Context {
	return listening(ctx, func(e transport.Exchange) { p.say("%s", describeExchange(e)) })
}
