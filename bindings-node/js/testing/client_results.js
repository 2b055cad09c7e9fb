'use strict'

// The results of a test client's requests.

class Result {
  constructor({ result, data, text }) {
    this.result = result
    this.data = data
    this.text = text
  }

  get meta() {
    return this.result._meta ?? {}
  }
}

class CallResult extends Result {
  constructor(event) {
    super(event)
    this.isError = event.isError
  }

  get content() {
    return this.result.content ?? []
  }

  get structured() {
    return this.result.structuredContent
  }
}

class ReadResult extends Result {
  constructor(event) {
    super(event)
    const [only, ...others] = this.contents
    if (this.data === undefined && others.length === 0 && only?.blob !== undefined) {
      this.data = Buffer.from(only.blob, 'base64')
    }
  }

  get contents() {
    return this.result.contents ?? []
  }
}

class PromptResult extends Result {
  get messages() {
    return this.result.messages ?? []
  }

  get description() {
    return this.result.description
  }
}

class CompletionResult extends Result {
  get values() {
    return this.data.values ?? []
  }

  get total() {
    return this.data.total
  }

  get hasMore() {
    return this.data.hasMore ?? false
  }
}

module.exports = { CallResult, CompletionResult, PromptResult, ReadResult }
