// A worker that dies before it is ready.

throw new Error('this worker never comes up')
