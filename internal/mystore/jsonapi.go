package mystore

import (
	"encoding/json"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// document and resource are JSON:API's envelope of one object.
type document[T any] struct {
	Data resource[T] `json:"data"`
}

type resource[T any] struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Attributes T      `json:"attributes"`
}

// Problem reads a JSON:API error body.
func Problem(body []byte) transport.Problem {
	var wire struct {
		Errors []struct {
			ID     vendortext.Text `json:"id"`
			Code   vendortext.Text `json:"code"`
			Title  vendortext.Text `json:"title"`
			Detail vendortext.Text `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return transport.Problem{}
	}
	var problem transport.Problem
	for _, e := range wire.Errors {
		if problem.Code.IsZero() {
			problem.Code = e.Code
		}
		if problem.CorrelationID.IsZero() {
			problem.CorrelationID = e.ID
		}
		message := e.Detail
		if message.IsZero() {
			message = e.Title
		}
		if !message.IsZero() {
			problem.Messages = append(problem.Messages, message)
		}
	}
	return problem
}
