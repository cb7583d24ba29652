package provider

import (
	"context"
	"iter"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// listing converts the items of a list resource to results.
type listing[T any] struct {
	// at and failed are the attribute and title of an error.
	at     path.Path
	failed message
	// fill converts an item to a result.
	fill func(ctx context.Context, item T, result *list.ListResult)
}

// stream pushes results until the limit is reached, the receiver stops, or an error occurs. The framework does
// none of this. It pulls items one by one, so nothing beyond the limit is requested.
func (l listing[T]) stream(ctx context.Context, req list.ListRequest, items iter.Seq2[T, error]) iter.Seq[list.ListResult] {
	return func(push func(list.ListResult) bool) {
		left := req.Limit
		if left <= 0 {
			return
		}
		for item, err := range items {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				push(l.failure(err))
				return
			}
			result := req.NewListResult(ctx)
			l.fill(ctx, item, &result)
			left--
			if !push(result) || left == 0 {
				return
			}
		}
	}
}

// failure is the result that ends a list with an error.
func (l listing[T]) failure(err error) list.ListResult {
	var diags diag.Diagnostics
	report(&diags, l.at, l.failed, err)
	return list.ListResult{Diagnostics: diags}
}
